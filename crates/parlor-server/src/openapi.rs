//! The document of the service's own API, in OpenAPI 3.1, made of its tables of routes and of the
//! types that it reads and writes.
//!
//! <https://spec.openapis.org/oas/v3.1.1.html>

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::chat::{Gives, ROUTES, Refused, Route};
use crate::gateway::reply;
use crate::ops;
use crate::routes::Routes;

/// Where the document is served.
const PATH: &str = "/api/openapi.json";

/// The document, made once.
static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// The document of the service's own API: what `GET /api/openapi.json` answers with.
///
/// The paths of the dialects aren't in it; those are documented by whoever they come from.
pub fn openapi() -> &'static Value {
    &DOCUMENT
}

/// The same routes with that of the document.
pub(crate) fn routes(router: Routes) -> Routes {
    let answer = || async {
        let body = Body::from(openapi().to_string());
        reply(StatusCode::OK, "application/json", body)
    };
    router.route(PATH, get(answer))
}

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES.iter().chain(ops::ROUTES) {
        let operation = operation(route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str()] = operation;
    }
    paths.insert(
        PATH.to_owned(),
        json!({ "get": {
            "operationId": "openapi",
            "summary": "This document",
            "responses": { "200": {
                "description": "The document.",
                "content": { "application/json": { "schema": { "type": "object" } } },
            } },
        } }),
    );
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "parlor",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Conversations with chat models, which the service owns, and what they use.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "header": { "type": "apiKey", "in": "header", "name": "x-api-key" },
            },
        },
        // Where the service has no keys, none is asked for.
        "security": [{}, { "bearer": [] }, { "header": [] }],
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let in_path = route.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name, "in": "path", "required": true, "schema": { "type": "string" },
        }))
    });
    let in_query = route.query.iter().map(|(name, about)| {
        json!({
            "name": name, "in": "query", "description": about, "schema": { "type": "string" },
        })
    });
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut responses: Map<String, Value> = route
        .gives
        .iter()
        .map(|gives| (gives.status.to_string(), given(gives, generator)))
        .collect();
    responses.insert(
        "default".to_owned(),
        json!({
            "description": "It went wrong.",
            "content": { "application/json": { "schema": schema::<Refused>(generator) } },
        }),
    );
    let mut operation = json!({
        "operationId": name(route),
        "summary": route.about,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(takes) = route.takes {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": takes(generator) } },
        });
    }
    operation
}

fn given(gives: &Gives, generator: &mut SchemaGenerator) -> Value {
    let mut given = json!({ "description": gives.about });
    for (kind, schema) in gives.kinds {
        let schema = schema.map_or_else(|| json!({}), |schema| json!(schema(generator)));
        given["content"][*kind] = json!({ "schema": schema });
    }
    given
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    json!(generator.subschema_for::<T>())
}

/// The method, and the words of the path: `get_conversations_turns_events`.
fn name(route: &Route) -> String {
    let words = route.path.split('/').skip(2);
    let words = words.filter(|word| !word.is_empty());
    let words = words.map(|word| match word.strip_prefix('{') {
        Some(param) => format!("by_{}", param.trim_end_matches('}')),
        None => word.to_owned(),
    });
    let words: Vec<String> = words.collect();
    format!("{}_{}", route.method.as_str(), words.join("_"))
}
