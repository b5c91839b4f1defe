//! JSON bodies: bounded in size and time, read strictly, and refused by naming the field.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use garde::Validate;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use shared::problem::Problem;

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::problems;

/// A phone on a bad line sends 64 kB in less. A request that sends slowly occupies a place meanwhile.
const WITHIN: Duration = Duration::from_secs(10);

/// A JSON body.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A JSON body that also keeps the rules written beside its fields.
#[derive(Debug)]
pub(crate) struct ValidBody<T>(pub(crate) T);

/// A JSON body that may be large: a layout.
#[derive(Debug)]
pub(crate) struct LargeBody<T>(pub(crate) T);

/// No body, or an empty object.
#[derive(Debug)]
pub(crate) struct NoBody;

impl<T: DeserializeOwned> FromRequest<SharedApp> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Self, ApiError> {
        read(request, app.settings.limits.body_bytes)
            .await
            .map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<SharedApp> for LargeBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Self, ApiError> {
        read(request, app.settings.limits.layout_bytes)
            .await
            .map(Self)
    }
}

impl<T: DeserializeOwned + Validate<Context = ()>> FromRequest<SharedApp> for ValidBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Self, ApiError> {
        let body: T = read(request, app.settings.limits.body_bytes).await?;
        if let Err(report) = body.validate() {
            let (field, detail) = report
                .iter()
                .next()
                .map_or_else(Default::default, |(path, error)| {
                    (path.to_string(), error.to_string())
                });
            return Err(problems::invalid_request(&field, format!("{field}: {detail}.")).into());
        }
        Ok(Self(body))
    }
}

impl FromRequest<SharedApp> for NoBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Self, ApiError> {
        let body = collect(request, app.settings.limits.body_bytes).await?;
        match body.trim_ascii() {
            b"" | b"{}" => Ok(Self),
            _ => Err(problems::invalid_request("", "This call has no body.").into()),
        }
    }
}

async fn read<T: DeserializeOwned>(request: Request, most_bytes: u32) -> Result<T, ApiError> {
    if !is_of_kind(request.headers(), "application/json") {
        return Err(problems::invalid_request(
            "",
            "Send JSON, with Content-Type: application/json.",
        )
        .into());
    }
    let body = collect(request, most_bytes).await?;
    let mut json = serde_json::Deserializer::from_slice(&body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let message = error.inner().to_string();
        problems::invalid_request(
            &field(&error.path().to_string(), &message),
            format!("{message}."),
        )
    })?;
    json.end()
        .map_err(|error| problems::invalid_request("", format!("{error}.")))?;
    Ok(parsed)
}

/// The whole body, if it is not too large and comes in time.
pub(crate) async fn collect(request: Request, most_bytes: u32) -> Result<Bytes, Problem> {
    let most_bytes = usize::try_from(most_bytes).unwrap_or(usize::MAX);
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if announced
        .and_then(|text| text.parse::<usize>().ok())
        .is_some_and(|bytes| bytes > most_bytes)
    {
        return Err(problems::too_large(most_bytes));
    }
    let body = Limited::new(request.into_body(), most_bytes).collect();
    match tokio::time::timeout(WITHIN, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(problems::too_large(most_bytes)),
        Ok(Err(_)) => Err(problems::invalid_request("", "The body could not be read.")),
        Err(_) => Err(problems::invalid_request(
            "",
            "The body did not arrive in time.",
        )),
    }
}

/// Whether the body is of this media type, whatever its parameters.
pub(crate) fn is_of_kind(headers: &HeaderMap, expected: &str) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    kind.split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(expected))
}

/// The field to change. serde tells the path to an object, but which field of it is unknown or missing only in words.
fn field(path: &str, message: &str) -> String {
    let path = if path == "." { "" } else { path };
    let words = ["unknown field `", "missing field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start));
    let Some(named) = words.and_then(|rest| rest.split('`').next()) else {
        return path.to_owned();
    };
    if path.is_empty() || path == named || path.ends_with(&format!(".{named}")) {
        return if path.is_empty() {
            named.to_owned()
        } else {
            path.to_owned()
        };
    }
    format!("{path}.{named}")
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_named_by_its_path() {
        assert_eq!(
            field("seats[1]", "invalid type: integer `7`, expected a string"),
            "seats[1]"
        );
        assert_eq!(field(".", "missing field `email` at line 1"), "email");
        assert_eq!(field(".", "unknown field `role`, expected `email`"), "role");
        assert_eq!(field("method", "missing field `token`"), "method.token");
        assert_eq!(field("method.cvc", "unknown field `cvc`"), "method.cvc");
        assert_eq!(field(".", "expected value at line 1 column 1"), "");
    }
}
