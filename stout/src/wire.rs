//! The trait that lets a message travel between processes.

/// A message that travels between processes under a full protobuf name.
///
/// The actor library sends and receives values of this trait without knowing how they are
/// encoded; the crate that owns the messages implements it for each of them.
///
/// # Examples
///
/// ```
/// use stout::WireMessage;
///
/// #[derive(Debug, PartialEq)]
/// struct Note(String);
///
/// impl WireMessage for Note {
///     fn wire_name() -> &'static str {
///         "example.Note"
///     }
///     fn encode_wire(&self) -> Vec<u8> {
///         self.0.clone().into_bytes()
///     }
///     fn decode_wire(bytes: &[u8]) -> Result<Self, String> {
///         let text = std::str::from_utf8(bytes).map_err(|error| format!("the note is not UTF-8: {error}"))?;
///         Ok(Note(text.to_owned()))
///     }
/// }
///
/// let note = Note("hello".to_owned());
/// assert_eq!(Note::decode_wire(&note.encode_wire()), Ok(note));
/// ```
pub trait WireMessage: Sized + Send + 'static {
    /// The name on the wire, e.g. `mesos.internal.PingSlaveMessage`.
    fn wire_name() -> &'static str;

    /// The bytes that go over the wire.
    fn encode_wire(&self) -> Vec<u8>;

    /// Reads what [`encode_wire`](Self::encode_wire) wrote.
    ///
    /// # Errors
    ///
    /// The text says what is wrong, such as the name of a missing required field.
    fn decode_wire(bytes: &[u8]) -> Result<Self, String>;
}
