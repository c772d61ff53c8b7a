//! Tool `encode`: hashes and encodings, both ways.
//!
//! ```text
//!   data ──`from`: text, base64, base64url, hex, url──▶ bytes ──`to`: the same, or a hash──▶ result
//! ```
//!
//! No imports: the answer depends on the arguments alone.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use playhouse_tool::{Error, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Sha256, Sha512};
use shared::{ANSWER_BYTES_MAX, shown};

/// Readers are lenient: models forget the padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT.with_encode_padding(false));
/// What RFC 3986 leaves unreserved stays as it is.
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// As UTF-8.
    #[default]
    Text,
    /// RFC 4648, section 4; padding may be missing.
    Base64,
    /// RFC 4648, section 5; padding may be missing.
    Base64Url,
    /// Two digits a byte, in either case.
    Hex,
    /// `%20` for a blank.
    Url,
}

/// What is wanted: a way to write bytes, or a hash of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it, and descriptions here would be part of every prompt")]
pub enum To {
    Text,
    Base64,
    Base64Url,
    Hex,
    Url,
    Sha256,
    Sha512,
    Md5,
    Crc32,
}

/// `{"result": "aGk=", "bytes": 2}`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The encoded text, or the hash in hex
    result: String,
    /// How many bytes the data has
    bytes: usize,
}

/// Encodes, decodes or hashes data: for example data `hi` to `sha256`, or data `aGk=` from `base64` to `text`.
#[tool(effect = "pure")]
pub fn encode(
    /// What to encode, decode or hash
    data: String,
    /// How `data` is written; `text` if not given
    #[serde(default)]
    from: From,
    /// What is wanted, for example `base64` or `sha256`
    to: To,
) -> Result<Output, Error> {
    let bytes = read(&data, from)?;
    let result = write(&bytes, to)?;
    if result.len() > ANSWER_BYTES_MAX {
        let message = format!(
            "the result has {} bytes, more than {ANSWER_BYTES_MAX}: encode it in parts",
            result.len()
        );
        return Err(Error::invalid_input(message));
    }
    Ok(Output { result, bytes: bytes.len() })
}

fn read(data: &str, from: From) -> Result<Vec<u8>, Error> {
    let wrong = |what: &str, example: &str| {
        Error::invalid_input(format!(
            "`data` is not {what}: `{}`; expected something like `{example}`",
            shown(data)
        ))
    };
    let compact = || data.split_whitespace().collect::<String>();
    match from {
        From::Text => Ok(data.as_bytes().to_vec()),
        From::Base64 => BASE64.decode(compact()).map_err(|_| wrong("base64", "aGk=")),
        From::Base64Url => BASE64_URL.decode(compact()).map_err(|_| wrong("base64url", "aGk")),
        From::Hex => unhex(&compact()).ok_or_else(|| wrong("hex, two digits a byte", "6869")),
        From::Url => Ok(percent_decode_str(data).collect()),
    }
}

fn write(bytes: &[u8], to: To) -> Result<String, Error> {
    Ok(match to {
        To::Text => String::from_utf8(bytes.to_vec()).map_err(|wrong| {
            let at = wrong.utf8_error().valid_up_to();
            Error::invalid_input(format!(
                "the bytes are no UTF-8 text (from byte {at}): ask for `to`: `hex` or `base64`"
            ))
        })?,
        To::Base64 => BASE64.encode(bytes),
        To::Base64Url => BASE64_URL.encode(bytes),
        To::Hex => hex(bytes),
        To::Url => match std::str::from_utf8(bytes) {
            Ok(text) => utf8_percent_encode(text, URL).to_string(),
            Err(_) => percent_encoding::percent_encode(bytes, URL).to_string(),
        },
        To::Sha256 => hex(&Sha256::digest(bytes)),
        To::Sha512 => hex(&Sha512::digest(bytes)),
        To::Md5 => hex(&Md5::digest(bytes)),
        To::Crc32 => format!("{:08x}", crc32fast::hash(bytes)),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use playhouse_tool::json;

    fn check(data: &str, from: &str, to: &str, expected: &str) {
        let arguments = json!({"data": data, "from": from, "to": to}).to_string();
        let answer = playhouse_tool::run::<Encode>(&arguments);
        let result = answer.map(|json| serde_json_result(&json)).unwrap_or_else(|wrong| wrong.to_string());
        assert_eq!(result, expected, "{data} {from} {to}");
    }

    fn serde_json_result(json: &str) -> String {
        let value: playhouse_tool::serde_json::Value =
            playhouse_tool::serde_json::from_str(json).expect("JSON");
        value["result"].as_str().expect("text").to_owned()
    }

    #[test]
    fn encodings_go_both_ways() {
        for (to, written) in [
            ("base64", "aMOpPz8+"),
            ("base64url", "aMOpPz8-"),
            ("hex", "68c3a93f3f3e"),
            ("url", "h%C3%A9%3F%3F%3E"),
        ] {
            check("hé??>", "text", to, written);
            check(written, to, "text", "hé??>");
        }
        check("aGk", "base64", "text", "hi");
        check("0x6869", "hex", "text", "hi");
    }

    #[test]
    fn hashes_are_those_of_the_standards() {
        check("abc", "text", "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        check("616263", "hex", "md5", "900150983cd24fb0d6963f7d28e17f72");
        check("123456789", "text", "crc32", "cbf43926");
        check("", "text", "md5", "d41d8cd98f00b204e9800998ecf8427e");
        let arguments = r#"{"data": "abc", "to": "sha512"}"#;
        assert!(
            playhouse_tool::run::<Encode>(arguments).is_ok_and(|json| json.contains("\"ddaf35a193617aba"))
        );
    }

    #[test]
    fn what_cannot_be_read_is_said_with_an_example() {
        check(
            "xyz",
            "hex",
            "text",
            "`data` is not hex, two digits a byte: `xyz`; expected something like `6869`",
        );
        check(
            "ff",
            "hex",
            "text",
            "the bytes are no UTF-8 text (from byte 0): ask for `to`: `hex` or `base64`",
        );
        let long = "x".repeat(ANSWER_BYTES_MAX);
        check(&long, "text", "hex", "the result has 131072 bytes, more than 65536: encode it in parts");
    }

    #[test]
    fn garbage_is_an_error_at_worst() {
        for data in shared::garbage(500) {
            for from in ["text", "base64", "base64url", "hex", "url"] {
                let arguments = json!({"data": data, "from": from, "to": "text"}).to_string();
                let _answer = playhouse_tool::run::<Encode>(&arguments);
            }
        }
    }
}
