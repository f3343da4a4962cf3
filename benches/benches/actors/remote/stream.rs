//! The bytes of the same messages, without anybody who makes or reads them.

use libprocess::http::encode_message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{NAME, body};
use crate::local::runtime;
use crate::measure::{Sample, Stopwatch};

const PIECE_BYTES: usize = 64 << 10;

pub(super) fn measure(count: u64) -> Sample {
    let runtime = runtime();
    runtime.block_on(async {
        let bytes: Vec<u8> = (0..count)
            .flat_map(|number| {
                encode_message("source(1)@127.0.0.1:40000", "receiver(1)", NAME, &body(number))
            })
            .collect();
        let total = bytes.len();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let reading = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody connects");
            let mut piece = vec![0; PIECE_BYTES];
            let mut read = 0;
            while read < total {
                let count = stream.read(&mut piece).await.expect("the sender lives");
                assert_ne!(count, 0, "the stream ends with the last message");
                read += count;
            }
            read
        });
        let mut stream = TcpStream::connect(address).await.expect("it listens");

        let watch = Stopwatch::start();
        let writing = tokio::spawn(async move {
            for piece in bytes.chunks(PIECE_BYTES) {
                stream.write_all(piece).await.expect("the reader lives");
            }
            stream
        });
        assert_eq!(reading.await.expect("the reader does not panic"), total);
        let sample = watch.stop(count);
        drop(writing.await);
        sample
    })
}
