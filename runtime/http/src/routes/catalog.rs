//! `/v1/agents`, `/v1/tools`, `/v1/models`: what the daemon has.

use axum::{Json, extract::State};

use super::{Route, get};
use crate::{App, auth::Identity, openapi::Refusals, problem::Problem, wire};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/agents", "the agents", list_agents),
        get("/v1/tools", "the tools", list_tools),
        get("/v1/models", "the models, in OpenAI's shape", list_models),
    ]
}

/// The agents, by name.
#[utoipa::path(
    get, path = "/v1/agents", tag = "catalog",
    responses((status = 200, description = "All of them", body = wire::AgentList), Refusals),
)]
pub(crate) async fn list_agents(
    State(app): State<App>,
    Identity(caller): Identity,
) -> Result<Json<wire::AgentList>, Problem> {
    let agents = app.api.agents(&caller).await?;
    Ok(Json(wire::AgentList { agents: agents.into_iter().map(Into::into).collect() }))
}

/// The tools, by name.
#[utoipa::path(
    get, path = "/v1/tools", tag = "catalog",
    responses((status = 200, description = "All of them", body = wire::ToolList), Refusals),
)]
pub(crate) async fn list_tools(
    State(app): State<App>,
    Identity(caller): Identity,
) -> Result<Json<wire::ToolList>, Problem> {
    let tools = app.api.tools(&caller).await?;
    Ok(Json(wire::ToolList { tools: tools.into_iter().map(Into::into).collect() }))
}

/// The models, by name, in OpenAI's shape.
#[utoipa::path(
    get, path = "/v1/models", tag = "catalog",
    responses((status = 200, description = "All of them", body = wire::ModelList), Refusals),
)]
pub(crate) async fn list_models(
    State(app): State<App>,
    Identity(caller): Identity,
) -> Result<Json<wire::ModelList>, Problem> {
    let models = app.api.models(&caller).await?;
    Ok(Json(wire::ModelList { object: "list".into(), data: models.into_iter().map(Into::into).collect() }))
}
