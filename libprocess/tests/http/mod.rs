#[cfg(feature = "tls")] // With `BasicAuthenticator`.
mod bodies;
mod client;
mod exhaustion;
mod framing;
mod gzip;
mod limits;
mod messages;
mod quick;
#[cfg(all(feature = "metrics", feature = "tls"))]
mod realms;
mod routes;
mod samples;
mod streams;
mod support;
#[cfg(feature = "tls")]
mod tls;
