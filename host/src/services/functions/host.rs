//! `wasm-faas:function/functions` for guests.

use super::{Call, InvokeError, Later};
use crate::event::Response;
use crate::services::bindings::{GuestError, functions, types};
use crate::services::host::{View, accepted, from_guest, millis};

impl functions::Host for View<'_> {
    async fn invoke(
        &mut self,
        name: String,
        call: functions::Call,
    ) -> wasmtime::Result<Result<types::Response, functions::InvokeError>> {
        let answer = super::invoke(self.access, &name, call.into(), self.context.calling()).await;
        Ok(answer.map(Into::into).map_err(Into::into))
    }

    async fn invoke_async(
        &mut self,
        name: String,
        call: functions::Call,
        delay_ms: Option<u64>,
        deduplication_id: Option<String>,
    ) -> Result<types::Accepted, GuestError> {
        let later = Later { delay: delay_ms.map(millis), deduplication_id };
        let sent = super::invoke_async(self.access, &name, call.into(), later, self.context.calling()).await?;
        Ok(accepted(sent))
    }
}

impl From<functions::Call> for Call {
    fn from(call: functions::Call) -> Self {
        Self {
            data: call.data,
            content_type: call.content_type,
            attributes: from_guest(call.attributes),
            kind: call.type_,
            subject: call.subject,
        }
    }
}

impl From<Response> for types::Response {
    fn from(response: Response) -> Self {
        let attributes = response.attributes.into_iter().map(|(name, value)| types::Attribute { name, value });
        Self {
            status: response.status,
            content_type: response.content_type,
            attributes: attributes.collect(),
            data: response.data,
        }
    }
}

impl From<InvokeError> for functions::InvokeError {
    fn from(error: InvokeError) -> Self {
        match error {
            InvokeError::Rejected(reason) => Self::Rejected(reason),
            InvokeError::Retry { reason, after } => {
                let after_ms = after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
                Self::Retry(types::Retry { reason, after_ms })
            }
            InvokeError::Stopped(line) => Self::Stopped(line),
            InvokeError::Service(error) => Self::Service(error.into()),
        }
    }
}
