//! The client, against our own server.

use std::error::Error;
use std::time::Duration;

use libprocess::http::{Client, ClientError, HeaderMap, Method, StatusCode, pipe};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::support::{PATIENCE, Server};

async fn get(client: &Client, url: &str) -> Result<(StatusCode, String), ClientError> {
    let response = client.request(Method::GET, url, HeaderMap::new(), "").await?;
    let status = response.status;
    Ok((status, String::from_utf8(response.bytes(1 << 20).await?.to_vec()).unwrap()))
}

#[tokio::test]
async fn requests_to_one_server_share_a_connection() {
    let server = Server::start().await;
    let client = Client::new();
    let url = format!("http://{}/peer", server.address);
    let (status, first) = get(&client, &url).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    // The connection is back in the pool once its task has seen the end of the answer.
    let same = async { while get(&client, &url).await.unwrap().1 != first {} };
    timeout(PATIENCE, same).await.unwrap();
}

#[tokio::test]
async fn body_is_sent_and_any_status_is_an_answer() {
    let server = Server::start().await;
    let client = Client::new();
    let url = format!("http://{}/echo", server.address);
    let response = client.request(Method::POST, &url, HeaderMap::new(), "hello").await.unwrap();
    assert_eq!(response.header("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(response.bytes(7).await.unwrap(), "[hello]");
    let (writer, reader) = pipe(1024);
    writer.write("one ");
    writer.write("two");
    drop(writer);
    let body = libprocess::http::Body::Stream(reader);
    let response = client.request(Method::POST, &url, HeaderMap::new(), body).await.unwrap();
    assert_eq!(response.bytes(100).await.unwrap(), "[one two]");
    let url = format!("http://{}/nowhere", server.address);
    assert_eq!(get(&client, &url).await.unwrap().0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn stream_is_read_as_it_comes_until_it_breaks() {
    let mut server = Server::start().await;
    let url = format!("http://{}/open", server.address);
    let client = Client::new();
    let mut response = client.request(Method::GET, &url, HeaderMap::new(), "").await.unwrap();
    let writer = server.opened().await;
    for event in ["one", "two"] {
        writer.write(event);
        assert_eq!(response.chunk().await.unwrap().unwrap(), event);
    }
    writer.fail("on purpose");
    let error = response.chunk().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), format!("failed to read the answer to GET {url}"));
    assert!(error.source().is_some());
}

#[tokio::test]
async fn stream_ends_for_the_server_when_the_response_is_dropped() {
    let mut server = Server::start().await;
    let url = format!("http://{}/open", server.address);
    let response = Client::new().request(Method::GET, &url, HeaderMap::new(), "").await.unwrap();
    let writer = server.opened().await;
    drop(response);
    timeout(PATIENCE, writer.closed()).await.unwrap();
}

#[tokio::test]
async fn connection_carries_requests_in_their_order() {
    let server = Server::start().await;
    let connection = Client::new().connect(&format!("http://{}", server.address)).await.unwrap();
    let peer = async || {
        let response = connection.request(Method::GET, "/peer", HeaderMap::new(), "").await.unwrap();
        response.bytes(100).await.unwrap()
    };
    let (first, second) = tokio::join!(peer(), peer());
    assert_eq!(first, second);
    let send = async |name: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("libprocess-from", "me".parse().unwrap());
        let path = format!("/master/{name}");
        let response = connection.request(Method::POST, &path, headers, "").await.unwrap();
        assert_eq!(response.status, StatusCode::ACCEPTED);
    };
    tokio::join!(send("a"), send("b"), send("c"));
    let names: Vec<String> = server.delivered(3).await.into_iter().map(|message| message.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let disconnected = connection.disconnected();
    server.stop().await;
    timeout(PATIENCE, disconnected).await.unwrap();
    let error = connection.request(Method::GET, "/peer", HeaderMap::new(), "").await.unwrap_err();
    assert!(error.is_unsent(), "{error:?}");
}

#[tokio::test]
async fn disconnecting_ends_the_stream_for_both_sides() {
    let mut server = Server::start().await;
    let connection = Client::new().connect(&format!("http://{}", server.address)).await.unwrap();
    let mut response = connection.request(Method::GET, "/open", HeaderMap::new(), "").await.unwrap();
    let writer = server.opened().await;
    connection.disconnect();
    timeout(PATIENCE, connection.disconnected()).await.unwrap();
    timeout(PATIENCE, writer.closed()).await.unwrap();
    assert!(response.chunk().await.unwrap().is_err());
}

#[tokio::test]
async fn errors_tell_what_was_tried_on_which_url() {
    let client = Client::builder().connect_wait_max(Duration::from_millis(100)).build();
    for url in ["/relative", "ftp://host/x", "http:///x", "host:5050", ""] {
        let error = get(&client, url).await.unwrap_err();
        assert_eq!(error.to_string(), format!("'{url}' is not an http or https URL"));
    }
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{unused}/x");
    let error = get(&client, &url).await.unwrap_err();
    assert_eq!(error.to_string(), format!("failed to connect for {url}"));
    assert!(error.is_unsent());
    // It accepts, and hangs up on every request.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let error = get(&client, &url).await.unwrap_err();
    assert_eq!(error.to_string(), format!("GET {url} got no answer"));
    assert!(error.source().is_some() && !error.is_unsent());
    server.abort();
}

#[tokio::test]
async fn answer_over_the_bound_is_an_error() {
    let server = Server::start().await;
    let url = format!("http://{}/len?n=1000", server.address);
    let response = Client::new().request(Method::GET, &url, HeaderMap::new(), "").await.unwrap();
    let error = response.bytes(999).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the answer to GET {url} is longer than 999 bytes"));
}
