//! What can be wrong with resources.

/// Why resources were refused or an operation could not be applied to them.
///
/// The texts reach schedulers and operators, so they name the rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// Text that is neither `name(role):value;...` nor a JSON array of resources.
    #[error("{0}")]
    Syntax(String),
    /// A resource that breaks a rule of its own.
    #[error("{0}")]
    Invalid(String),
    /// An operation or a subtraction needs what is not there.
    #[error("{have} does not contain {want}")]
    NotContained {
        /// What there is.
        have: String,
        /// What was asked for.
        want: String,
    },
    /// A shared volume cannot be destroyed while another copy of it is in use.
    #[error("Persistent volume {volume} cannot be removed due to additional shared copies")]
    SharedCopies {
        /// The volume.
        volume: String,
    },
    /// The operation does not convert resources, or its type is unknown or at odds with its content.
    #[error("{0}")]
    Operation(String),
    /// A resource with more than one reservation has no form for peers that predate refinement.
    #[error("Cannot downgrade resources containing refined reservations")]
    Refined,
}

impl ResourceError {
    pub(crate) fn syntax(text: impl Into<String>) -> Self {
        Self::Syntax(text.into())
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }
}
