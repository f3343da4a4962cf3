//! What a call has to say.

/// Checks that a call has the part that its type needs; says what is missing else.
///
/// Types that need none come first. Every type has to be named.
///
/// ```
/// use mesos_api::v1::executor::Call;
///
/// fn check(call: &Call) -> Result<(), String> {
///     use mesos_api::v1::executor::call::Type;
///     mesos_daemon::check_call!(call, Type,
///         none: Unknown,
///         Subscribe: subscribe,
///         Update: update,
///         Message: message,
///     )
/// }
///
/// let call: Call = mesos_api::json::from_slice(
///     br#"{"executor_id":{"value":"e"},"framework_id":{"value":"f"},"type":"UPDATE"}"#,
/// )
/// .unwrap();
/// assert_eq!(check(&call), Err("Expecting 'update' to be present".to_owned()));
/// assert_eq!(check(&Call::default()), Err("Expecting 'type' to be present".to_owned()));
/// ```
#[macro_export]
macro_rules! check_call {
    ($call:expr, $types:ident, none: $($bare:ident)*, $($kind:ident: $part:ident),* $(,)?) => {{
        let call = $call;
        let missing = match call.r#type {
            None => Some("type"),
            Some(_) => match call.r#type() {
                $($types::$bare)|* => None,
                $($types::$kind => call.$part.is_none().then_some(stringify!($part)),)*
            },
        };
        match missing {
            None => Ok(()),
            Some(part) => Err(format!("Expecting '{part}' to be present")),
        }
    }};
}
