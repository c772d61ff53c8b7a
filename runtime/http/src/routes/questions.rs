//! `/v1/tasks/{id}/questions`: what running calls ask people, and the answers.

use axum::{Json, extract::State};

use super::{Route, get, post};
use crate::{
    App,
    auth::Identity,
    extract::{Bounded, PathOf, name},
    openapi::{BadBody, NotFound, Refusals},
    problem::Problem,
    wire,
};

/// Bytes of an answer: more is a document, and no answer to a form.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/tasks/{id}/questions", "what running calls ask people", list_questions),
        post("/v1/tasks/{id}/questions/{number}", "answer a running call's form", answer_question),
    ]
}

/// What the running calls of a task ask people, oldest first. A call that asks says so in a `progress` event, too.
#[utoipa::path(
    get, path = "/v1/tasks/{id}/questions", tag = "tasks",
    params(("id" = String, Path, description = "Of the task")),
    responses(
        (status = 200, description = "The open questions", body = wire::QuestionList), NotFound, Refusals,
    ),
)]
pub(crate) async fn list_questions(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf(id): PathOf<String>,
) -> Result<Json<wire::QuestionList>, Problem> {
    let questions = app.api.questions(&caller, &name("task id", id)?).await?;
    Ok(Json(questions.into()))
}

/// Answers a question of a running call, or declines it. An answer that does not fit the form is refused with 400, and
/// the question stays open; one that is answered, or whose call has ended, is 404.
#[utoipa::path(
    post, path = "/v1/tasks/{id}/questions/{number}", tag = "tasks", request_body = wire::AnswerForm,
    params(
        ("id" = String, Path, description = "Of the task"),
        ("number" = u64, Path, description = "Of the question"),
    ),
    responses(
        (status = 200, description = "Taken; what is still open", body = wire::QuestionList),
        BadBody, NotFound, Refusals,
    ),
)]
pub(crate) async fn answer_question(
    State(app): State<App>,
    Identity(caller): Identity,
    PathOf((id, number)): PathOf<(String, u64)>,
    Bounded(body): Bounded<wire::AnswerForm, ANSWER_BYTES_MAX>,
) -> Result<Json<wire::QuestionList>, Problem> {
    let wire::AnswerForm { answer, decline } = body;
    if answer.is_some() == decline {
        return Err(Problem::bad_request("say either `answer`, an object, or `decline`, which is true"));
    }
    let id = name("task id", id)?;
    app.api.answer(&caller, &id, number, answer).await?;
    Ok(Json(app.api.questions(&caller, &id).await?.into()))
}
