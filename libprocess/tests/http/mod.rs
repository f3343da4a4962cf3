mod client;
mod framing;
mod gzip;
mod limits;
mod samples;
mod streams;
mod support;
mod tls;
