//! Who may do what: actions and their objects.
