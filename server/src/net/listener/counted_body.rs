//! The body of a response that counts for a client until its end.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::net::admission::AddressPermit;

/// A body with the permit of its request.
pub(super) struct CountedBody {
    body: Body,
    _permit: AddressPermit,
}

impl CountedBody {
    pub(super) fn wrap(body: Body, permit: AddressPermit) -> Body {
        Body::new(Self {
            body,
            _permit: permit,
        })
    }
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(task)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
