//! Quotas and weights, by the v1 API and the older endpoints.

use libprocess::http::Method;
use serde_json::{Value, json};

use crate::peer::Peer;
use crate::rig::{Answer, Rig};

fn guarantee(cpus: f64) -> Value {
    json!([{"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus}}])
}

async fn send(rig: &Rig, method: Method, path: &str, body: &str) -> Answer {
    rig.ask(method, path, &[], body.as_bytes().to_vec()).await
}

#[tokio::test]
async fn quota_is_set_shown_and_removed() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (_agent, _) = Peer::agent(&rig, "cpus:2;mem:1024").await;
    let set = |role: &str, cpus: f64, force: bool| {
        json!({"type": "SET_QUOTA",
            "set_quota": {"quota_request": {"role": role, "guarantee": guarantee(cpus), "force": force}}})
    };
    let refused = rig.post("/api/v1", &set("q", 3.0, false)).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(rig.post("/api/v1", &set("q", 3.0, true)).await.status, 200);
    assert_eq!(rig.post("/api/v1", &set("q", 1.0, false)).await.status, 400);
    let shown = rig.operator(json!({"type": "GET_QUOTA"})).await["get_quota"]["status"].clone();
    assert_eq!(shown["infos"][0]["role"], "q");
    assert_eq!(shown["infos"][0]["guarantee"][0]["scalar"]["value"], 3.0);
    let old = rig.get("/master/quota").await.json();
    assert_eq!(old["infos"][0]["guarantee"][0]["scalar"]["value"], 3.0, "{old}");
    let roles = rig.get("/roles").await.json();
    assert_eq!(roles["roles"][0]["quota"]["role"], "q", "{roles}");
    assert_eq!(roles["roles"][0]["quota"]["guarantee"]["cpus"], 3.0, "{roles}");
    let remove = json!({"type": "REMOVE_QUOTA", "remove_quota": {"role": "q"}});
    assert_eq!(rig.post("/api/v1", &remove).await.status, 200);
    assert_eq!(rig.post("/api/v1", &remove).await.status, 400);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn quota_endpoint_takes_the_older_form() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (_agent, _) = Peer::agent(&rig, "cpus:2;mem:1024").await;
    let request = json!({"role": "q", "guarantee": guarantee(1.0)}).to_string();
    assert_eq!(send(&rig, Method::POST, "/quota", &request).await.status, 200);
    for (method, path, body, status) in [
        (Method::POST, "/quota", "garbage", 400),
        (Method::POST, "/quota", "[]", 400),
        (Method::POST, "/quota", request.as_str(), 400),
        (Method::PUT, "/quota", "", 405),
        (Method::DELETE, "/quota", "", 400),
        (Method::DELETE, "/quota/other", "", 400),
        (Method::DELETE, "/quota/%71", "", 200),
        (Method::DELETE, "/master/quota/q", "", 400),
    ] {
        let answer = send(&rig, method.clone(), path, body).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text());
    }
    rig.node.shutdown().await;
}

#[tokio::test]
async fn weights_are_set_and_shown() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let put = async |body: &str, status: u16| {
        let answer = send(&rig, Method::PUT, "/weights", body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    };
    put(r#"[{"role": "a", "weight": 2.0}]"#, 200).await;
    put(r#"[{"role": "a", "weight": 0}]"#, 400).await;
    put(r#"[{"role": "a", "weight": -1}]"#, 400).await;
    put(r#"{"role": "a", "weight": 1}"#, 400).await;
    put("[]", 200).await;
    assert_eq!(rig.get("/weights").await.json(), json!([{"role": "a", "weight": 2.0}]));
    let update = json!({"type": "UPDATE_WEIGHTS",
        "update_weights": {"weight_infos": [{"role": "b", "weight": 0.5}]}});
    assert_eq!(rig.post("/api/v1", &update).await.status, 200);
    let shown = rig.operator(json!({"type": "GET_WEIGHTS"})).await["get_weights"]["weight_infos"].clone();
    assert_eq!(shown, json!([{"role": "a", "weight": 2.0}, {"role": "b", "weight": 0.5}]));
    let roles = rig.get("/roles").await.json();
    assert_eq!(roles["roles"][0]["weight"], 2.0, "{roles}");
    rig.node.shutdown().await;
}

#[tokio::test]
async fn role_is_explained() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (_agent, _) = Peer::agent(&rig, "cpus:2;mem:1024").await;
    let mut scheduler = rig.framework().await;
    scheduler.offer().await;
    let explain = |role: &str| json!({"type": "EXPLAIN_ROLE", "explain_role": {"role": role}});
    let answer = rig.post("/master/api/ext/v1", &explain("*")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let explained = answer.json()["explain_role"].clone();
    assert_eq!(explained["role"], "*");
    assert_eq!(explained["agents"], 1);
    assert_eq!(explained["frameworks"][0]["state"], "ACTIVE");
    assert_eq!(explained["dominant_share"], 1.0);
    let reasons = &explained["frameworks"][0]["reasons"];
    assert!(reasons.as_array().is_some_and(|reasons| !reasons.is_empty()), "all is offered: {explained}");

    let request = json!({"role": "q", "guarantee": guarantee(1.5)}).to_string();
    assert_eq!(send(&rig, Method::POST, "/quota", &request).await.status, 200);
    let explained = rig.post("/api/ext/v1", &explain("q")).await.json()["explain_role"].clone();
    assert_eq!(explained["quota"]["guarantee"], json!([{"name": "cpus", "value": 1.5}]));
    assert_eq!(explained["headroom_required_for_role"], json!([{"name": "cpus", "value": 1.5}]));
    for (call, status) in [
        (json!({}), 400),
        (json!({"type": "EXPLAIN_ROLE"}), 400),
        (json!({"type": "UNKNOWN"}), 501),
        (explain("a/"), 400),
    ] {
        let answer = rig.post("/api/ext/v1", &call).await;
        assert_eq!(answer.status, status, "{call}: {}", answer.text());
    }
    rig.node.shutdown().await;
}
