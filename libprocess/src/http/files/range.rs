//! Ranges of bytes, as RFC 9110 (section 14) has them.

/// What is to be sent of a file.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Wanted {
    All,
    /// The bytes up to `to`, which is not one of them.
    Part {
        from: u64,
        to: u64,
    },
    /// There is nothing in the range.
    Nothing,
}

/// What a `Range` header asks for. What is no single range of bytes is ignored, as it may be.
pub(in crate::http) fn wanted(header: Option<&str>, length: u64) -> Wanted {
    let Some((first, last)) = header.and_then(|header| header.trim().strip_prefix("bytes=")?.split_once('-'))
    else {
        return Wanted::All;
    };
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // What is too large for a number is beyond every file.
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) => {
            if last.is_some_and(|last| last < first) {
                Wanted::All
            } else if first >= length {
                Wanted::Nothing
            } else {
                let to = last.map_or(length, |last| last.saturating_add(1).min(length));
                Wanted::Part { from: first, to }
            }
        }
        (Some(None), Some(Some(count))) => match count.min(length) {
            0 => Wanted::Nothing,
            count => Wanted::Part { from: length - count, to: length },
        },
        _ => Wanted::All,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_of_ten_bytes() {
        let part = |from, to| Wanted::Part { from, to };
        let rows = [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-4", part(2, 5)),
            ("bytes=2-", part(2, 10)),
            ("bytes=2-99", part(2, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=-99", part(0, 10)),
            ("bytes=9-18446744073709551615", part(9, 10)),
            ("bytes=99999999999999999999-", Wanted::Nothing),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=4-2", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("lines=1-2", Wanted::All),
        ];
        for (header, expected) in rows {
            assert_eq!(wanted(Some(header), 10), expected, "{header}");
        }
        assert_eq!(wanted(None, 10), Wanted::All);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Nothing);
    }

    proptest! {
        #[test]
        fn part_is_within_the_file(header in "bytes=[0-9]{0,21}-[0-9]{0,21}", length in any::<u64>()) {
            if let Wanted::Part { from, to } = wanted(Some(&header), length) {
                prop_assert!(from < to && to <= length);
            }
        }
    }
}
