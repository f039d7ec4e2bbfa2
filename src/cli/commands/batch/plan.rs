//! `tagwall batch plan`: the file by which an engine runs the shards.

use std::io::Write;

use crate::cli::args::{Data, Engine, Plan};
use crate::cli::{Failure, output, select};

pub(super) fn run(args: &Plan) -> Result<(), Failure> {
    if args.shards == 0 {
        return Err(Failure::Input("--shards is at least 1".to_owned()));
    }
    let text = match args.engine {
        Engine::Kubernetes => kubernetes(args)?,
        Engine::Slurm => slurm(args)?,
        Engine::Github => github(args)?,
        Engine::AzurePipelines => azure(args)?,
    };
    let mut out = output::stdout();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::Output)
}

/// The service tags that all shards take: those of the store by digest, `sample` and files by name.
fn pinned(args: &Plan) -> Result<String, Failure> {
    if args.snapshot == "sample" || std::path::Path::new(&args.snapshot).is_file() {
        return Ok(args.snapshot.clone());
    }
    let cloud = args.cloud.as_deref().map(select::find_cloud).transpose()?;
    let data = Data { snapshot: args.snapshot.clone(), cloud: args.cloud.clone(), place: args.place.clone() };
    Ok(select::snapshot(&data, cloud)?.digest().to_owned())
}

/// The words of the command for a shard, each quoted where a shell needs it.
fn words(args: &Plan, shard: &[&str]) -> Result<Vec<String>, Failure> {
    let mut words = vec!["tagwall".to_owned(), "batch".to_owned()];
    words.extend(args.inputs.iter().cloned());
    words.extend(args.template.iter().flat_map(|template| ["--template".to_owned(), template.clone()]));
    words.extend(["--snapshot".to_owned(), pinned(args)?, "--out".to_owned(), args.out.clone()]);
    words.extend(shard.iter().map(|word| (*word).to_owned()));
    Ok(words)
}

fn command(args: &Plan, shard: &[&str]) -> Result<String, Failure> {
    Ok(words(args, shard)?.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// A word for a shell. `$` stays what it is only in words of ours, which need no quotes.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    let ours = word.contains("${{") || word.starts_with("$(");
    if !word.is_empty() && (word.chars().all(plain) || ours) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A text for YAML: as JSON writes it, which YAML reads.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A name that Kubernetes takes.
fn kubernetes_name(name: &str) -> Result<&str, Failure> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let fits =
        name.len() <= 52 && name.chars().all(legal) && ends(name.chars().next()) && ends(name.chars().last());
    fits.then_some(name).ok_or_else(|| {
        Failure::Input(format!(
            "`{name}` is no name for Kubernetes: 1 to 52 small letters, digits and `-`, beginning and ending with a \
             letter or digit"
        ))
    })
}

/// A limit of the engine on how many shards there can be.
fn at_most(args: &Plan, most: u32, why: &str) -> Result<(), Failure> {
    if args.shards <= most {
        return Ok(());
    }
    Err(Failure::Input(format!("--shards {} is more than {most}: {why}", args.shards)))
}

fn kubernetes(args: &Plan) -> Result<String, Failure> {
    at_most(args, 100_000, "an Indexed Job with backoffLimitPerIndex has at most 100,000 indexes")?;
    let name = kubernetes_name(&args.name)?;
    let command = words(args, &["--shard", "auto"])?;
    let items: Vec<String> =
        command[1..].iter().map(|word| format!("            - {}\n", yaml(word))).collect();
    let (shards, image, claim) = (args.shards, yaml(&args.image), yaml(kubernetes_name(&args.claim)?));
    let parallel = shards.min(16);
    Ok(format!(
        "# {shards} shards of a fleet. When the Job is done: tagwall batch merge DIR --out DIR\n\
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
  completionMode: Indexed
  completions: {shards}
  parallelism: {parallel}
  # Exit code 1 (network, disk) is tried again; 2 to 5 (input, limits, proof, data) would end the same way.
  backoffLimitPerIndex: 3
  maxFailedIndexes: {shards}
  podFailurePolicy:
    rules:
      - action: FailIndex
        onExitCodes:
          containerName: tagwall
          operator: In
          values: [2, 3, 4, 5]
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
  template:
    spec:
      restartPolicy: Never
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        fsGroup: 65532
      containers:
        - name: tagwall
          image: {image}
          workingDir: /fleet
          args:
{}          env:
            # JOB_COMPLETION_INDEX says which shard, this of how many.
            - name: TAGWALL_SHARDS
              value: \"{shards}\"
            - name: TAGWALL_STORE
              value: /fleet/store
          resources:
            requests:
              cpu: \"1\"
              memory: 256Mi
            limits:
              memory: 512Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          volumeMounts:
            - name: fleet
              mountPath: /fleet
      volumes:
        - name: fleet
          persistentVolumeClaim:
            claimName: {claim}
",
        items.concat()
    ))
}

fn slurm(args: &Plan) -> Result<String, Failure> {
    let shards = args.shards.to_string();
    let command = command(args, &["--shard", "auto", "--shards", &shards])?;
    let name = quoted(&args.name);
    Ok(format!(
        "#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=1-{shards}
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
# {shards} shards of a fleet. When all are done: tagwall batch merge DIR --out DIR
# A node that is lost is made good by Slurm. Exit code 1 (network, disk) is tried again here, three times; 2 to 5 (input,
# limits, proof, data) would end the same way.
code=0
{command} --jobs \"${{SLURM_CPUS_PER_TASK:-1}}\" || code=$?
if [ \"$code\" -eq 1 ] && [ \"${{SLURM_RESTART_COUNT:-0}}\" -lt 3 ]; then
    scontrol requeue \"${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}\"
    # Until the requeue ends this.
    sleep 60
fi
exit \"$code\"
"
    ))
}

fn github(args: &Plan) -> Result<String, Failure> {
    at_most(args, 256, "a matrix of GitHub Actions has at most 256 jobs")?;
    let shards = args.shards;
    let list: Vec<String> = (1..=shards).map(|shard| shard.to_string()).collect();
    let command = command(args, &["--shard", &format!("${{{{ matrix.shard }}}}/{shards}")])?;
    let (name, list, out) = (yaml(&args.name), list.join(", "), &args.out);
    let merged = quoted(out);
    Ok(format!(
        "# {shards} shards of a fleet, and the merge of them. The image of the jobs has tagwall and the store.
name: {name}
on: workflow_dispatch
permissions:
  contents: read
jobs:
  shard:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        shard: [{list}]
    steps:
      - uses: actions/checkout@v5
      - run: {}
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: shard-${{{{ matrix.shard }}}}
          path: {}
  merge:
    needs: shard
    # Environments that failed are in the result; shards that are missing are refused.
    if: always()
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: actions/download-artifact@v4
        with:
          path: shards
      - run: {}
      - run: cat {merged}/summary.md >> \"$GITHUB_STEP_SUMMARY\"
        if: always()
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: fleet
          path: {}
",
        yaml(&command),
        yaml(out),
        yaml(&format!("tagwall batch merge shards/shard-* --out {merged}")),
        yaml(out),
    ))
}

fn azure(args: &Plan) -> Result<String, Failure> {
    at_most(args, 99, "a job of Azure Pipelines is divided into at most 99")?;
    let shards = args.shards;
    let command = command(args, &["--shard", "auto", "--shards", &shards.to_string()])?;
    let merged = quoted(&args.out);
    Ok(format!(
        "# {shards} shards of a fleet, and the merge of them. The pool of the jobs has tagwall and the store.
trigger: none
jobs:
  - job: shard
    strategy:
      parallel: {shards}
    steps:
      - checkout: self
      - bash: {}
        displayName: Make a shard
      - task: PublishPipelineArtifact@1
        condition: always()
        inputs:
          targetPath: {}
          artifact: shard-$(System.JobPositionInPhase)-$(System.JobAttempt)
  - job: merge
    dependsOn: shard
    # Environments that failed are in the result; shards that are missing are refused.
    condition: always()
    steps:
      - checkout: self
      - task: DownloadPipelineArtifact@2
        inputs:
          targetPath: shards
      - bash: {}
        displayName: Merge the shards
      - task: PublishPipelineArtifact@1
        condition: always()
        inputs:
          targetPath: {}
          artifact: fleet
",
        yaml(&command),
        yaml(&args.out),
        yaml(&format!("tagwall batch merge shards/shard-* --out {merged}")),
        yaml(&args.out),
    ))
}
