use super::*;
use crate::http::{Client, HeaderMap, Method};

#[tokio::test]
async fn page_of_processes_tells_the_ring_of_each() {
    let (clock, node, links) = chain(4).await;
    close(&links);
    let _answer = links[0].ask_future(|link, _cx| link.question());
    clock.settle().await;
    let url = format!("http://{}/__processes__", node.address());
    let page = Client::new().request(Method::GET, &url, HeaderMap::new(), "").await.unwrap();
    let page = String::from_utf8(page.bytes(1 << 20).await.unwrap().to_vec()).unwrap();
    assert!(page.contains(r#""ring":["process(2)","process(3)","process(4)"]"#), "{page}");
}
