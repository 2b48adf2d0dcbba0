//! Which texts are email addresses: the plain ones that people have.
//!
//! A dot-atom of RFC 5321, an `@`, a host name with a dot in it. Quoted local parts, comments and address
//! literals are lawful and refused, as `format: email` in the schemas is set to do.

const LENGTH_MAX: usize = 255; // as in schemas/canonical
const LOCAL_LENGTH_MAX: usize = 64;
const HOST_LENGTH_MAX: usize = 253;
const LABEL_LENGTH_MAX: usize = 63;

/// Whether mail could be sent to `text`, judged by its look alone.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else { return false };
    text.len() <= LENGTH_MAX
        && local.len() <= LOCAL_LENGTH_MAX
        && local.split('.').all(is_atom)
        && is_host(host)
}

/// Whether `text` is a host name with a dot in it.
pub(super) fn is_host(text: &str) -> bool {
    text.len() <= HOST_LENGTH_MAX && text.contains('.') && text.split('.').all(is_label)
}

/// Whether an address is at one of the hosts. A host does not stand for those below it.
pub(super) fn is_at(email: &str, hosts: &[String]) -> bool {
    let host = email.rsplit_once('@').map(|(_, host)| host).unwrap_or_default();
    hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
}

fn is_atom(text: &str) -> bool {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_atext)
}

fn is_label(text: &str) -> bool {
    (1..=LABEL_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_emails() {
        let local_max = format!("{}@example.com", "a".repeat(64));
        for text in ["ada@example.com", "a.b+c@sub.example.org", "o'hara@ex-ample.co", &local_max] {
            assert!(is_email(text), "{text}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        let local_over = format!("{}@example.com", "a".repeat(65));
        let label_over = format!("ada@{}.com", "a".repeat(64));
        let over = format!("ada@{}com", "abcdefgh.".repeat(28));
        let wrong = [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@@example.com",
            "ada@example..com",
            "ada@example.com.",
            "ada@-example.com",
            "ada@example-.com",
            ".ada@example.com",
            "a..b@example.com",
            "a b@example.com",
            "\"a b\"@example.com",
            "ada@[127.0.0.1]",
            "Ada <ada@example.com>",
            "ada@exämple.com",
            "ada@example.com\n",
            &local_over,
            &label_over,
            &over,
        ];
        for text in wrong {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn an_address_is_at_a_host_and_not_at_those_around_it() {
        let hosts = ["example.com".to_owned()];
        for email in ["ada@example.com", "ada@EXAMPLE.com"] {
            assert!(is_at(email, &hosts), "{email}");
        }
        for email in ["ada@mail.example.com", "ada@notexample.com", "ada@com", "example.com", ""] {
            assert!(!is_at(email, &hosts), "{email}");
        }
    }
}
