use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Bytes in JSON: as the member `data` when they are UTF-8, else as `dataBase64`. To be flattened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Form", try_from = "Form")]
pub struct Data(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Form {
    Data(String),
    DataBase64(String),
}

impl From<Data> for Form {
    fn from(Data(bytes): Data) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Data(text),
            Err(error) => Self::DataBase64(STANDARD.encode(error.as_bytes())),
        }
    }
}

impl TryFrom<Form> for Data {
    type Error = base64::DecodeError;

    fn try_from(form: Form) -> Result<Self, Self::Error> {
        Ok(Self(match form {
            Form::Data(text) => text.into_bytes(),
            Form::DataBase64(text) => STANDARD.decode(text)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        name: String,
        #[serde(flatten)]
        body: Data,
    }

    #[test]
    fn bytes_come_back_as_they_went() {
        for (bytes, json) in [
            (&b"\"z\xc3\xbcrich\"\n"[..], r#"{"name":"x","data":"\"zürich\"\n"}"#),
            (b"", r#"{"name":"x","data":""}"#),
            (b"\xff\x00", r#"{"name":"x","dataBase64":"/wA="}"#),
        ] {
            let holder = Holder { name: "x".into(), body: Data(bytes.to_vec()) };
            assert_eq!(serde_json::to_string(&holder).unwrap(), json);
            assert_eq!(serde_json::from_str::<Holder>(json).unwrap(), holder);
        }
        assert!(serde_json::from_str::<Holder>(r#"{"name":"x","dataBase64":"?"}"#).is_err());
        assert!(serde_json::from_str::<Holder>(r#"{"name":"x"}"#).is_err());
    }
}
