# The two commands of the README, and what they are made of. Everything heavy is built once, in one profile.

CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR

.PHONY: demo test setup build lint eval bench sim soak soak-crashes soak-power soak-damage tools fuzz

demo: build ## Build, start the daemon, ask questions, kill it, watch it resume
	@scripts/demo.sh

test: build lint ## Everything CI runs
	cargo test --release --workspace
	$(CARGO_TARGET_DIR)/release/nano-eval --limit 20
	cd tools/builtin && cargo test --quiet
	tools/builtin/build.sh --check

setup: ## Install what is missing, and say what and why
	@scripts/setup.sh

build: setup
	@echo "building (the first time takes about 15 minutes on two cores: llama.cpp and wasmtime)"
	cargo build --release --workspace

lint:
	cargo fmt --check
	cargo clippy --release --workspace --all-targets -- -D warnings

eval: build ## How good nano is, by free-running episodes through the runtime
	$(CARGO_TARGET_DIR)/release/nano-eval

bench: build ## 1,000 tasks at once beside a bare loop that makes the same calls
	$(CARGO_TARGET_DIR)/release/thousand-tasks

SEEDS ?= 20000

sim: ## 20,000 simulated worlds; SEED=n runs one of them again, SEEDS=n so many
	cargo run --release -p playhouse-sim -- $(if $(SEED),--seed $(SEED) --trace,--seeds $(SEEDS))

soak: soak-crashes soak-power soak-damage ## The long forms of docs/durability.md; hours
	$(MAKE) sim
	for promise in steps submissions overload parked resume churn; do \
	  $(CARGO_TARGET_DIR)/release/promises $$promise --long || exit 1; done

soak-crashes: build ## 1,000 processes that die, at every crash point and at random moments
	PLAYHOUSE_DEATHS=970 cargo test --release --workspace --test crashes -- --nocapture
	PLAYHOUSE_KILL_ROUNDS=100 cargo test --release --workspace --test it kill -- --nocapture

soak-power: build ## 200 power cuts
	PLAYHOUSE_POWERLOSS_ROUNDS=200 cargo test --release --workspace --test powerloss -- --nocapture

soak-damage: build ## 2,000 flips, cuts and zeroed pages
	PLAYHOUSE_CORRUPTION_TRIALS=2000 cargo test --release --workspace --test corruption -- --nocapture

tools: ## Rebuild the shipped tools
	tools/builtin/build.sh

TARGET ?= grants
FUZZ_SECONDS ?= 60

fuzz: ## Feeds nonsense to what reads strangers: TARGET=description, arguments, grants, oci or frames
	@scripts/fuzz.sh $(TARGET) $(FUZZ_SECONDS)
