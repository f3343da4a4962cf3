//! Flags of a program, each declared once.
//!
//! A flag is a field of a struct that [`flags!`](macro@crate::flags) declares: its doc comment is
//! the help text, and from the field come the command line, the environment, the values in
//! files, the help, the effective values as JSON and the table for the documentation.
//!
//! ```
//! use std::time::Duration;
//! use stout::flags::{self, Parsed, Parser};
//!
//! stout::flags! {
//!     /// What every server of ours can be told.
//!     pub struct NetworkFlags {
//!         "Network" {
//!             /// Port to listen on.
//!             port: u16 = 5050,
//!         }
//!     }
//! }
//!
//! stout::flags! {
//!     /// What this server can be told.
//!     pub struct ServerFlags {
//!         use network: NetworkFlags;
//!
//!         "Data" {
//!             /// Directory for the server's data.
//!             #[flag(required)]
//!             work_dir: std::path::PathBuf,
//!
//!             /// How long a client may be silent.
//!             #[flag(deprecated("slave_timeout"), check(flags::at_least(Duration::from_secs(1))))]
//!             agent_timeout: Duration = Duration::from_mins(10),
//!
//!             /// Whether to refuse writes.
//!             read_only: bool,
//!         }
//!     }
//! }
//!
//! let parser = Parser::new("server", "Serves.").environment_from("SERVER_", [("SERVER_PORT", "6000")]);
//! let Parsed::Flags { flags, warnings } =
//!     parser.parse::<ServerFlags>(["--work_dir=/tmp", "--slave_timeout", "90secs", "--no-read_only"])?
//! else {
//!     panic!("neither --help nor --version was given")
//! };
//! assert_eq!(flags.network.port, 6000);
//! assert_eq!(flags.agent_timeout, Duration::from_secs(90));
//! assert_eq!(warnings, ["flag '--slave_timeout' is deprecated: use '--agent_timeout'"]);
//! assert_eq!(flags::to_json(&flags)["agent_timeout"], "90secs");
//! # Ok::<(), stout::flags::FlagsError>(())
//! ```
//!
//! # Where values come from
//!
//! - The command line: `--name=value` or `--name value`; booleans are `--name`, `--no-name` or
//!   `--name=false`. Hyphens and underscores in a name are the same.
//! - The environment: `PREFIX_NAME`. The command line wins; variables that name no flag are
//!   ignored.
//! - A file: a value `file:///path` is replaced by the file's content (but for flags that are
//!   paths). JSON flags, and those that say `file`, take an absolute path as well.
//!
//! # Options of a flag
//!
//! `required`; `default_is("text")`, how the help describes a default that is computed; `alias("name")`; `deprecated("name")`, an old name that works with a warning;
//! `file`, an absolute path as value is replaced by the file's content; `check(function)`, a
//! function from `&T` to `Result<(), String>` that looks at given values.

mod check;
mod declare;
mod given;
mod help;
mod parser;
mod value;

#[cfg(test)]
mod tests;

pub use check::{at_least, one_of, within};
pub use declare::{Flag, FlagSpec};
pub use given::Given;
pub use help::{docs_table, help};
pub use parser::{FlagsError, Parsed, Parser};
pub use value::{FilePolicy, FlagValue};

/// A struct of flags; implemented by [`flags!`](macro@crate::flags).
pub trait Flags: Default {
    /// What each flag is, in order of declaration.
    fn specs() -> Vec<FlagSpec>;

    /// The flags from what was given, with defaults for the rest. What cannot be read is noted
    /// in `given`, and the default stands in for it.
    fn read(given: &mut Given) -> Self;

    /// The effective values as text, in order of declaration, without those that are unset.
    fn values(&self) -> Vec<(&'static str, String)>;
}

/// The effective values as an object of strings, sorted by name.
pub fn to_json(flags: &impl Flags) -> serde_json::Map<String, serde_json::Value> {
    let mut values = flags.values();
    values.sort_unstable();
    values.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect()
}

/// Declares a struct of [flags](mod@crate::flags).
#[macro_export]
macro_rules! flags {
    (
        $(#[$struct_meta:meta])*
        $visibility:vis struct $name:ident {
            $( use $part:ident : $part_type:ty; )*
            $( $group:literal {
                $(
                    $(#[doc = $doc:literal])+
                    $(#[flag( $( $option:ident $( ( $($argument:tt)* ) )? ),* $(,)? )])?
                    $field:ident : $type:ty $(= $default:expr)?
                ),* $(,)?
            } )*
        }
    ) => {
        $(#[$struct_meta])*
        #[derive(Clone, Debug)]
        $visibility struct $name {
            $(
                #[doc = concat!("See [`", stringify!($part_type), "`].")]
                pub $part: $part_type,
            )*
            $($(
                $(#[doc = $doc])+
                pub $field: $type,
            )*)*
        }

        impl ::std::default::Default for $name {
            fn default() -> Self {
                $name {
                    $( $part: ::std::default::Default::default(), )*
                    $($( $field: $crate::__flag_default!($type $(, $default)?), )*)*
                }
            }
        }

        impl $crate::flags::Flags for $name {
            fn specs() -> ::std::vec::Vec<$crate::flags::FlagSpec> {
                let mut specs = ::std::vec::Vec::new();
                $( specs.extend(<$part_type as $crate::flags::Flags>::specs()); )*
                $($( specs.extend([
                    $crate::flags::Flag::<$type>::new(
                        stringify!($field), $group, &[$($doc),+], $crate::__flag_default!($type $(, $default)?)
                    )
                    $($( .$option($( $($argument)* )?) )*)?
                    .into_spec()
                ]); )*)*
                specs
            }

            fn read(given: &mut $crate::flags::Given) -> Self {
                $name {
                    $( $part: <$part_type as $crate::flags::Flags>::read(given), )*
                    $($( $field: given.take(
                        $crate::flags::Flag::<$type>::new(
                            stringify!($field), $group, &[$($doc),+], $crate::__flag_default!($type $(, $default)?)
                        )
                        $($( .$option($( $($argument)* )?) )*)?
                    ), )*)*
                }
            }

            fn values(&self) -> ::std::vec::Vec<(&'static str, ::std::string::String)> {
                let mut values = ::std::vec::Vec::new();
                $( values.extend($crate::flags::Flags::values(&self.$part)); )*
                $($(
                    if let Some(text) = $crate::flags::FlagValue::to_text(&self.$field) {
                        values.push((stringify!($field), text));
                    }
                )*)*
                values
            }
        }
    };
}

/// The declared default, or that of the type.
#[doc(hidden)]
#[macro_export]
macro_rules! __flag_default {
    ($type:ty) => {
        <$type as ::std::default::Default>::default()
    };
    ($type:ty, $default:expr) => {
        $default
    };
}
