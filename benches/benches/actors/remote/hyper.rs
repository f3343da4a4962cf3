//! Each message is a request to hyper, and sent when the one before is answered.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::{NAME, body, number_of};
use crate::local::runtime;
use crate::measure::{Sample, Stopwatch};

pub(super) fn measure(count: u64) -> Sample {
    let runtime = runtime();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&seen);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("somebody connects");
            stream.set_nodelay(true).expect("a socket has this option");
            let service = service_fn(move |request| receive(request, Arc::clone(&counted)));
            let served = hyper::server::conn::http1::Builder::new();
            served.serve_connection(TokioIo::new(stream), service).await
        });
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket has this option");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("it is connected");
        tokio::spawn(connection);

        let watch = Stopwatch::start();
        let sending = tokio::spawn(async move {
            for number in 0..count {
                let request = Request::post(format!("/receiver(1)/{NAME}"))
                    .header("Host", "127.0.0.1")
                    .header("Libprocess-From", "source(1)@127.0.0.1:40000")
                    .body(Full::new(Bytes::from(body(number))))
                    .expect("the request is right");
                let response = sender.send_request(request).await.expect("the server lives");
                assert_eq!(response.status(), StatusCode::ACCEPTED);
            }
        });
        sending.await.expect("every message is accepted");
        let sample = watch.stop(count);
        assert_eq!(seen.load(Ordering::Relaxed), count);
        sample
    })
}

async fn receive(
    request: Request<Incoming>,
    seen: Arc<AtomicU64>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes());
    let number = body.ok().and_then(|body| number_of(&body));
    let mut response = Response::new(Full::default());
    *response.status_mut() = if number == Some(seen.fetch_add(1, Ordering::Relaxed)) {
        StatusCode::ACCEPTED
    } else {
        StatusCode::BAD_REQUEST
    };
    Ok(response)
}
