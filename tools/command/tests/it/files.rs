//! What of the file system a command reaches.

use std::{fs, os::unix::fs::symlink};

use playhouse_core::tool::ToolErrorKind;
use playhouse_tools_command::{Access, CommandConfig, CommandLimits};
use serde_json::json;

use crate::kit::{House, shell, ways, written};

/// A folder that is granted, and one beside it that is not.
fn folders() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let all = tempfile::tempdir().unwrap();
    let (inside, outside) = (all.path().join("inside"), all.path().join("outside"));
    for folder in [&inside, &outside] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(inside.join("note"), "a note").unwrap();
    fs::write(outside.join("shadow"), "CANARY").unwrap();
    (all, inside, outside)
}

#[tokio::test]
async fn a_granted_folder_is_read_and_written_only_as_granted() {
    let (_all, inside, outside) = folders();
    for namespaces in ways() {
        let reads = CommandConfig { folder: Some(inside.clone()), ..shell() };
        let answer = House::open(reads.clone(), namespaces)
            .run(&["cat note; echo x > new; rm note; chmod 777 note; touch note"])
            .await;
        assert!(written(&answer).starts_with("a note") && !inside.join("new").exists(), "{answer}");
        assert!(inside.join("note").exists());
        let writes = CommandConfig { access: Access::Write, ..reads };
        let answer = House::open(writes, namespaces).run(&["echo x > new && cat new note; pwd"]).await;
        assert_eq!(written(&answer), format!("x\na note{}\n", inside.display()));
        fs::remove_file(inside.join("new")).unwrap();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn what_is_outside_is_neither_read_nor_written_by_any_way() {
    let (_all, inside, outside) = folders();
    symlink(outside.join("shadow"), inside.join("link")).unwrap();
    symlink(&outside, inside.join("way")).unwrap();
    for namespaces in ways() {
        let writes = CommandConfig { folder: Some(inside.clone()), access: Access::Write, ..shell() };
        let house = House::open(writes, namespaces);
        let out = outside.display();
        for script in [
            format!(
                "cat {out}/shadow; cat link; cat way/shadow; cat ../outside/shadow; cat /proc/self/root{out}/shadow"
            ),
            format!("ls {out}; ls way; ls ..; find / -name shadow -not -path '/etc/*' 2>/dev/null"),
            format!(
                "echo x > {out}/new; echo x > link; echo x > way/new; ln {out}/shadow hard; mv way/shadow got"
            ),
            format!("cp -r {out} got; ln -s {out}/shadow again; cat again; tar c {out}"),
            "cat /etc/shadow /etc/gshadow ~root/.bashrc ~root/.profile; ls ~root /var /etc/ssh".to_owned(),
        ] {
            let said = written(&house.run(&[&script]).await);
            assert!(!said.contains("CANARY") && !said.contains("root:"), "{script}: {said}");
        }
        assert_eq!(fs::read_to_string(outside.join("shadow")).unwrap(), "CANARY");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        for made in ["hard", "got", "again"] {
            fs::remove_dir_all(inside.join(made)).or_else(|_| fs::remove_file(inside.join(made))).ok();
        }
    }
}

#[tokio::test]
async fn in_a_root_of_its_own_it_does_not_even_learn_what_there_is() {
    let (_all, inside, outside) = folders();
    let house = House::open(CommandConfig { folder: Some(inside), ..shell() }, true);
    let answer = house
        .run(&[&format!("test -e {} && echo SEEN; ls -a / /tmp; mount 2>/dev/null", outside.display())])
        .await;
    let said = written(&answer);
    for hidden in ["SEEN", "root\n", "home\n", "var\n", "work\n", "ext4 (rw"] {
        assert!(!said.contains(hidden), "{hidden}: {said}");
    }
}

#[tokio::test]
async fn the_system_cannot_be_changed() {
    for namespaces in ways() {
        let house = House::open(shell(), namespaces);
        let script = "for f in /usr/x /bin/x /etc/x /x /dev/x /proc/sys/kernel/hostname /sys/fs/cgroup/x /lib/x; do \
                      echo x > $f && echo WROTE $f; done; mkdir /usr/y && echo WROTE; rm /bin/ls && echo WROTE; echo end";
        let said = written(&house.run(&[script]).await);
        assert!(said.ends_with("end\n") || said.contains("end\n"), "{said}");
        assert!(!said.contains("WROTE"), "{said}");
    }
}

#[tokio::test]
async fn files_are_bounded() {
    let limits = CommandLimits { file_bytes: 1 << 20, ..CommandLimits::default() };
    for namespaces in ways() {
        let house = House::open(CommandConfig { limits, ..shell() }, namespaces);
        let answer = house.run(&["trap '' XFSZ; head -c 3000000 /dev/zero > big; wc -c < big"]).await;
        let bytes: u64 = answer["stdout"].as_str().unwrap().trim().parse().unwrap();
        assert!(bytes <= 1 << 20, "{answer}");
    }
    let house = House::open(CommandConfig { limits, ..shell() }, true);
    let answer =
        house.run(&["for i in 1 2 3; do head -c 900000 /dev/zero > big$i; done; cat big* | wc -c"]).await;
    let bytes: u64 = answer["stdout"].as_str().unwrap().trim().parse().unwrap();
    assert!(bytes <= 1 << 20, "all files of its home together: {answer}");
}

#[tokio::test]
async fn what_may_be_read_besides_is_there_at_its_path() {
    let (_all, inside, outside) = folders();
    for namespaces in ways() {
        let both = CommandConfig {
            folder: Some(inside.clone()),
            access: Access::Write,
            read: vec![outside.clone()],
            ..shell()
        };
        let script = format!("cat {0}/shadow; echo x > {0}/new || echo no", outside.display());
        let said = written(&House::open(both, namespaces).run(&[&script]).await);
        assert!(said.starts_with("CANARYno"), "{said}");
        assert!(!outside.join("new").exists());
    }
}

#[tokio::test]
async fn a_folder_that_is_granted_for_writing_has_a_quota() {
    for namespaces in ways() {
        let (_all, inside, _) = folders();
        let limits = CommandLimits { folder_bytes: 4 << 20, ..CommandLimits::default() };
        let writes = CommandConfig { folder: Some(inside.clone()), access: Access::Write, limits, ..shell() };
        let house = House::open(writes.clone(), namespaces);
        // 128 MiB, in 13 s, if nobody stopped it.
        let floods =
            "i=0; while [ $i -lt 128 ]; do head -c 1048576 /dev/zero > f$i; i=$((i+1)); sleep 0.1; done";
        let wrong = house.ask(json!({ "args": [floods] }), 60_000).await.unwrap_err();
        assert!(
            wrong.kind == ToolErrorKind::Failed && wrong.message.contains("4194304 are allowed"),
            "{}",
            wrong.message
        );
        let files = fs::read_dir(&inside).unwrap().count();
        assert!((4..128).contains(&files), "{files} files");
        let wrong = house.ask(json!({ "args": ["rm f*"] }), 10_000).await.unwrap_err();
        assert!(
            wrong.kind == ToolErrorKind::Denied && wrong.message.contains("did not run: "),
            "{}",
            wrong.message
        );
        let limits = CommandLimits { folder_bytes: 0, ..limits };
        let answer = House::open(CommandConfig { limits, ..writes }, namespaces).run(&["rm f*; ls"]).await;
        assert_eq!(written(&answer), "note\n", "without a quota it runs");
    }
}
