//! Why JSON could not be read as a message.

use std::borrow::Cow;

/// Why JSON could not be read as a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is not JSON.
    #[error("malformed JSON at byte {offset}: {problem}")]
    Syntax {
        /// Where, in bytes from the beginning.
        offset: usize,
        /// What was expected or found.
        problem: &'static str,
    },
    /// The text is JSON but no object.
    #[error("expected a JSON object, found {found}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A value that does not fit its field.
    #[error("field '{path}': {problem}")]
    Field {
        /// The names of the fields from the outermost message on, such as `tasks[2].name`.
        path: String,
        /// Why it does not fit.
        problem: Cow<'static, str>,
    },
    /// A required field that is not set.
    #[error("missing required field '{path}'")]
    Missing {
        /// The names of the fields from the outermost message on, such as `framework_info.user`.
        path: String,
    },
}

/// A [`JsonError`] on its way up, kept small for the sake of all that goes well.
pub(crate) type Failure = Box<JsonError>;

impl JsonError {
    pub(crate) fn field(problem: impl Into<Cow<'static, str>>) -> Failure {
        Box::new(Self::Field { path: String::new(), problem: problem.into() })
    }

    pub(crate) fn missing(field: &str) -> Failure {
        Box::new(Self::Missing { path: field.to_owned() })
    }

    /// Puts the name of the enclosing field, or an index such as `[3]`, in front of the path.
    pub(crate) fn within(mut self: Box<Self>, outer: &str) -> Failure {
        if let Self::Field { path, .. } | Self::Missing { path } = &mut *self {
            crate::path::prepend(path, outer);
        }
        self
    }
}
