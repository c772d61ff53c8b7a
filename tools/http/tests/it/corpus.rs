//! The table of what must not be reached, against sinks that count every connection.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use playhouse_core::egress::HttpRule;
use playhouse_ports::egress::{Egress, EgressErrorKind as Kind, Incoming, Outgoing};
use playhouse_tools_http::GuardedHttp;
use playhouse_tools_policy::Target;

use crate::{
    ask::{PLENTY_MS, answered, asks, guard, rule},
    names::Script,
    server::{Answer, Server, go, reply},
};

/// Fewer lines than this: somebody lost a part of the table.
const VECTORS_MIN: usize = 150;

/// For what tries to connect to 3000::1: some machines wait for an answer that nobody will give.
const NOBODY_THERE_MS: u64 = 200;

/// One line of the table.
#[derive(Debug, Clone)]
struct Vector {
    grant: String,
    names: String,
    request: String,
    refusal: String,
}

/// The sinks, the server that redirects, and a guard between them and us.
struct Field {
    sink_4: Server,
    sink_6: Server,
    door: Server,
    steps: Arc<Mutex<VecDeque<Answer>>>,
    script: Arc<Script>,
    guard: GuardedHttp,
}

impl Field {
    async fn new() -> Self {
        let sink = |_: &_| reply(200, "connection: close\r\n", b"reached");
        let steps = Arc::new(Mutex::new(VecDeque::new()));
        let next = steps.clone();
        let door = Server::new(move |_| next.lock().unwrap().pop_front().unwrap_or(Answer::Hang)).await;
        let script = Arc::new(Script::default());
        Self {
            // Every loopback address, since a tool may try each of them.
            sink_4: Server::at("0.0.0.0:0", sink).await,
            sink_6: Server::at("[::1]:0", sink).await,
            door,
            steps,
            guard: guard(&script),
            script,
        }
    }

    /// The table, with this field's ports.
    fn vectors(&self) -> Vec<Vector> {
        let lines = include_str!("corpus.txt").lines();
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| self.vector(line))
            .collect()
    }

    fn vector(&self, line: &str) -> Vector {
        let [grant, names, request, refusal] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("not four fields: {line}");
        };
        let request = request
            .replace("{4}", &self.sink_4.port().to_string())
            .replace("{6}", &self.sink_6.port().to_string())
            .replace("{tab}", "\t")
            .replace("{cr}", "\r")
            .replace("{lf}", "\n")
            .replace("{nul}", "\0");
        Vector { grant: grant.into(), names: names.into(), request, refusal: refusal.into() }
    }

    /// Whether the table says that this would arrive at a sink, were it let through.
    fn is_aimed_at_a_sink(&self, vector: &Vector) -> bool {
        let ports = [self.sink_4.port(), self.sink_6.port()].map(|port| format!(":{port}"));
        ports.iter().any(|port| vector.request.contains(port))
    }

    /// Makes the request of `vector` once for each answer of its names; the last outcome counts, and none before
    /// it may be an answer.
    async fn plays(&self, vector: &Vector) -> Result<Incoming, Kind> {
        let rounds = self.sets_names(&vector.names);
        let mut last = Err(Kind::Network);
        for round in 0..rounds {
            assert!(round == 0 || last.is_err(), "{vector:?} was answered");
            // Only the last answer is not 3000::1, unless it is what is shown.
            let is_last = round + 1 == rounds && vector.refusal != "unreached";
            let timeout_ms = if is_last { PLENTY_MS } else { NOBODY_THERE_MS };
            let request = Outgoing { timeout_ms, ..self.request(vector) };
            last = self.guard.fetch(request).await.map_err(|error| error.kind);
        }
        last
    }

    /// Scripts the names, and says how many answers the longest script has.
    fn sets_names(&self, names: &str) -> usize {
        self.script.forgets("127.0.0.1");
        let answers = |(name, answers): (&str, &str)| {
            let list = |answer: &str| answer.split(',').map(|address| address.parse().unwrap()).collect();
            let answers: Vec<Vec<_>> = answers.split('/').map(list).collect();
            let count = answers.len();
            self.script.plays(name, answers);
            count
        };
        names.split_whitespace().map(|entry| answers(entry.split_once('=').unwrap())).max().unwrap_or(1)
    }

    fn request(&self, vector: &Vector) -> Outgoing {
        let Some(steps) = vector.request.strip_prefix("via ") else {
            let target = Target::parse(&vector.request).ok();
            return asks("GET", &vector.request, self.rules(&vector.grant, target.as_ref()));
        };
        let door = Target::parse(&self.door.url("127.0.0.1", "/")).unwrap();
        let words: Vec<_> = steps.split(' ').collect();
        let steps: VecDeque<_> = words.chunks(2).map(|step| go(step[0].parse().unwrap(), step[1])).collect();
        *self.steps.lock().unwrap() = steps;
        let end = door.join(words.last().unwrap()).ok();
        let mut rules = self.rules(&vector.grant, end.as_ref().filter(|end| end.origin() != door.origin()));
        rules.push(rule(&door.origin().to_string(), true));
        asks("GET", door.as_str(), rules)
    }

    fn rules(&self, grant: &str, target: Option<&Target>) -> Vec<HttpRule> {
        let own =
            |private| target.map(|target| rule(&target.origin().to_string(), private)).into_iter().collect();
        match grant {
            "own" => own(false),
            "own+" => own(true),
            "good" => {
                let good = rule(&self.sink_4.url("good.test", ""), true);
                vec![HttpRule { paths: vec!["/public".into()], methods: vec!["GET".into()], ..good }]
            }
            other => panic!("no such grant: {other}"),
        }
    }

    async fn connects(&self) -> usize {
        self.sink_4.connects().await + self.sink_6.connects().await
    }
}

#[tokio::test]
async fn nothing_of_the_table_reaches_a_sink() {
    let field = Field::new().await;
    let vectors = field.vectors();
    assert!(vectors.len() >= VECTORS_MIN, "only {} vectors", vectors.len());
    let mut wrong = Vec::new();
    for vector in &vectors {
        let outcome = field.plays(vector).await;
        let is_right = match (&outcome, vector.refusal.as_str()) {
            (Err(Kind::Network | Kind::Timeout), "unreached") => true,
            (Err(kind), refusal) => kind.name() == refusal,
            (Ok(_), _) => false,
        };
        if !is_right {
            wrong.push(format!("{vector:?}: {outcome:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
    assert_eq!(field.connects().await, 0);
}

/// The table would prove nothing if its requests led nowhere.
#[tokio::test]
async fn the_same_requests_reach_the_sinks_where_private_addresses_are_granted() {
    let field = Field::new().await;
    let is_refused_for_its_address =
        |vector: &Vector| vector.grant == "own" && vector.refusal == "private-address";
    let aimed = field.vectors().into_iter().filter(|vector| is_refused_for_its_address(vector));
    let aimed: Vec<_> = aimed.filter(|vector| field.is_aimed_at_a_sink(vector)).collect();
    assert!(aimed.len() >= 70, "only {}", aimed.len());
    let (mut made, mut missed) = (0, Vec::new());
    for vector in aimed {
        // What came before the private address is not what is shown here.
        let names = vector
            .names
            .rsplit_once('/')
            .map(|(before, last)| format!("{}={last}", before.split('=').next().unwrap()));
        let vector = Vector { grant: "own+".into(), names: names.unwrap_or(vector.names), ..vector };
        // The sinks speak no TLS: of `https`, only the connection counts.
        if field.plays(&vector).await.is_err() && !vector.request.starts_with("https") {
            missed.push(format!("{vector:?}"));
        }
        made += 1;
    }
    assert!(missed.is_empty(), "{} of {made}:\n{}", missed.len(), missed.join("\n"));
    assert_eq!(field.connects().await, made);
}

#[tokio::test]
async fn what_the_good_grant_means_is_let_through() {
    let field = Field::new().await;
    field.sets_names("");
    for path in ["/public", "/public/", "/public/x?y#z", "/private/../public"] {
        let url = field.sink_4.url("good.test", path);
        let answer = answered(&field.guard, asks("GET", &url, field.rules("good", None))).await;
        assert_eq!(answer.body, b"reached", "{path}");
    }
}
