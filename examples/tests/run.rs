//! Every example runs to its end: each checks its own result.

use std::process::Command;

fn succeeds(program: &str) {
    let output = Command::new(program).output().expect("the example was built beside this test");
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}: {}\n{said}\n{complained}", output.status);
}

#[test]
fn the_hello_is_answered_by_the_shipped_model() {
    succeeds(env!("CARGO_BIN_EXE_hello"));
}

#[test]
fn a_rust_function_is_a_tool_and_a_rust_type_an_answer() {
    succeeds(env!("CARGO_BIN_EXE_native_tool"));
}

#[test]
fn a_follow_up_sees_the_answer_before_it() {
    succeeds(env!("CARGO_BIN_EXE_session"));
}

#[test]
fn a_person_agrees_before_a_call_is_made() {
    succeeds(env!("CARGO_BIN_EXE_approval"));
}

#[test]
fn an_agent_gives_work_to_another_and_gets_all_answers_in_order() {
    succeeds(env!("CARGO_BIN_EXE_sub_agents"));
}

#[test]
fn a_task_is_forked_at_a_step_and_replayed_as_it_was() {
    succeeds(env!("CARGO_BIN_EXE_time_travel"));
}
