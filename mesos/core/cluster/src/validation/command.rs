//! Commands and their environment.

use mesos_api::v1::environment::Variable;
use mesos_api::v1::environment::variable::Type as VariableType;
use mesos_api::v1::secret::Type as SecretType;
use mesos_api::v1::{CommandInfo, Environment, Secret};

use super::Verdict;

/// Checks a command: its environment.
///
/// # Errors
///
/// Names the variable that is wrong.
pub fn command(command: &CommandInfo) -> Verdict {
    command.environment.as_ref().map_or(Ok(()), environment)
}

/// Checks an environment.
///
/// # Errors
///
/// Names the variable that is wrong.
pub fn environment(environment: &Environment) -> Verdict {
    environment.variables.iter().try_for_each(variable)
}

fn variable(variable: &Variable) -> Verdict {
    let name = &variable.name;
    // A variable without a type is a plain value.
    let r#type = variable.r#type.map_or(VariableType::Value, |_| variable.r#type());
    match r#type {
        VariableType::Unknown => Err("Environment variable of type 'UNKNOWN' is not allowed".to_owned()),
        VariableType::Value if variable.value.is_none() => {
            Err(format!("Environment variable '{name}' of type 'VALUE' must have a value set"))
        }
        VariableType::Value if variable.secret.is_some() => {
            Err(format!("Environment variable '{name}' of type 'VALUE' must not have a secret set"))
        }
        VariableType::Value => Ok(()),
        VariableType::Secret => {
            let Some(content) = &variable.secret else {
                return Err(format!("Environment variable '{name}' of type 'SECRET' must have a secret set"));
            };
            if variable.value.is_some() {
                return Err(format!(
                    "Environment variable '{name}' of type 'SECRET' must not have a value set"
                ));
            }
            secret(content).map_err(|error| {
                format!("Environment variable '{name}' specifies an invalid secret: {error}")
            })?;
            if content.value.as_ref().is_some_and(|value| value.data.contains(&0)) {
                return Err(format!(
                    "Environment variable '{name}' specifies a secret containing null bytes, which is not \
                     allowed in the environment"
                ));
            }
            Ok(())
        }
    }
}

/// Checks a secret.
///
/// # Errors
///
/// Names what is missing or too much.
pub fn secret(secret: &Secret) -> Verdict {
    match (secret.r#type(), &secret.reference, &secret.value) {
        (SecretType::Reference, None, _) => {
            Err("Secret of type REFERENCE must have the 'reference' field set".to_owned())
        }
        (SecretType::Reference, Some(reference), Some(_)) => {
            Err(format!("Secret '{}' of type REFERENCE must not have the 'value' field set", reference.name))
        }
        (SecretType::Value, _, None) => {
            Err("Secret of type VALUE must have the 'value' field set".to_owned())
        }
        (SecretType::Value, Some(_), Some(_)) => {
            Err("Secret of type VALUE must not have the 'reference' field set".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::secret;

    use super::*;

    fn check(variable: Variable, error: Option<&str>) {
        let command = CommandInfo {
            environment: Some(Environment { variables: vec![variable] }),
            ..CommandInfo::default()
        };
        match (super::command(&command), error) {
            (Ok(()), None) => {}
            (Err(found), Some(expected)) if found.contains(expected) => {}
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    fn value(data: &[u8]) -> Secret {
        Secret {
            r#type: Some(SecretType::Value as i32),
            value: Some(secret::Value { data: data.to_vec() }),
            reference: None,
        }
    }

    #[test]
    fn rules_for_variables() {
        let plain = Variable { name: "A".into(), value: Some("1".into()), ..Variable::default() };
        check(plain.clone(), None);
        check(Variable { value: None, ..plain.clone() }, Some("must have a value set"));
        check(Variable { secret: Some(value(b"s")), ..plain.clone() }, Some("must not have a secret set"));
        let unknown = Some(VariableType::Unknown as i32);
        check(Variable { r#type: unknown, ..plain.clone() }, Some("type 'UNKNOWN' is not allowed"));

        let hidden = Variable {
            name: "A".into(),
            r#type: Some(VariableType::Secret as i32),
            secret: Some(value(b"s")),
            value: None,
        };
        check(hidden.clone(), None);
        check(Variable { secret: None, ..hidden.clone() }, Some("must have a secret set"));
        check(Variable { value: Some("1".into()), ..hidden.clone() }, Some("must not have a value set"));
        check(Variable { secret: Some(value(b"a\0b")), ..hidden }, Some("null bytes"));
    }

    #[test]
    fn rules_for_secrets() {
        let reference = Secret {
            r#type: Some(SecretType::Reference as i32),
            reference: Some(secret::Reference { name: "n".into(), key: None }),
            value: None,
        };
        assert_eq!(super::secret(&reference), Ok(()));
        assert!(super::secret(&Secret { reference: None, ..reference.clone() }).is_err());
        assert!(super::secret(&Secret { value: value(b"s").value, ..reference.clone() }).is_err());
        assert!(super::secret(&Secret { value: None, ..value(b"s") }).is_err());
        assert!(super::secret(&Secret { reference: reference.reference, ..value(b"s") }).is_err());
        assert_eq!(super::secret(&Secret::default()), Ok(()));
    }
}
