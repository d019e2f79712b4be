/** The command line: what each command takes, and the exit code of whatever happens. */

import { setMaxListeners } from 'node:events';
import { Command, CommanderError, Option } from 'commander';
import pc from 'picocolors';
import { version } from './environment.ts';
import { EXIT, EXIT_MEANINGS, UsageError } from './exit.ts';
import { leave, tellMistake, watchForMistakes } from './mistakes.ts';

/** What commands do, loaded when one is asked for: to load it all takes longer than most judgements. */
const histories = () => import('./history-commands.ts');
const others = () => import('./commands.ts');
const runs = () => import('./run-command.ts');
const members = () => import('./member-command.ts');
const nemeses = () => import('./nemesis-command.ts');

const HOSTS = ['auto', 'docker', 'netns', 'loopback', 'memory', 'attached'];
const SPEEDS = ['recorded', 'maximal'];
const ORDERS = ['recorded', 'shuffled'];

const checkExamples = `
Examples:
  ordeal check history.jsonl --model cas-register     any history: JSON lines, EDN, logs of Jepsen and Porcupine, gzipped too
  tail -n 100000 log | ordeal check - --model register
  ordeal check history.edn --checker list-append --report found.html
  ordeal check latest                                 the last run again
`;

const examples = `
Examples:
  ordeal demo                                      the whole thing on this machine, in half a minute
  ordeal run --cluster etcd --workload register --nemesis partition,kill,pause --time-limit 60s
  ordeal run --cluster etcd:stale-reads --workload register --nemesis partition
  ordeal run --cluster ledger --bug ack-before-commit
  ordeal init --http && ordeal run --cluster ./service.yaml    your own HTTP service
  ordeal run night.yaml --seed 7                   a configuration file; flags win over it
  ordeal plan --cluster etcd --nemesis split-brain -o plan.json && ordeal run plan.json
  ordeal check latest                              judge a stored run again
  ordeal check history.edn --model cas-register    judge any history: JSONL, Jepsen's, Porcupine's
  ordeal export latest --format edn > history.edn  for Elle and Knossos
  ordeal report latest                             draw a stored run again
  ordeal heal --all                                undo whatever earlier runs left behind

Exit codes, the first that applies:
${EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}`;

type Act = (...given: never[]) => unknown;

/** What a module does by that name, with whatever the command line gives. */
const of =
  <Name extends string>(load: () => Promise<Readonly<Record<Name, Act>>>, name: NoInfer<Name>) =>
  async (...given: unknown[]): Promise<void> =>
    void (await ((await load())[name] as (...given: unknown[]) => unknown)(...given));

function commandLine(): Command {
  const program = new Command('ordeal')
    .description('Puts a real deployment on trial: brings it up, loads it, breaks it, judges it, shows it.')
    .version(version)
    .addHelpText('after', examples)
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true });
  addRunOptions(
    program.command('run [config]').description('run one trial: prepare, load, faults, heal, judge, report'),
  ).action(of(runs, 'runOnce'));
  addRunOptions(program.command('demo').description('a run of the embedded ledger: no Docker, no privilege')).action(
    of(runs, 'demo'),
  );
  addRunOptions(
    program.command('plan [config]').description('what a run with these flags would do, and how it would be undone'),
  )
    .option('-o, --output <file>', 'write the plan for `ordeal run FILE`')
    .action(of(runs, 'plan'));
  program
    .command('init [file]')
    .description('write a file to begin with (default: service.yaml)')
    .option('--http', 'how to reach an HTTP service with idempotency keys, with comments')
    .option('--openapi <file>', 'take its operations from an OpenAPI 3 document, JSON or YAML')
    .action(of(() => import('./init-command.ts'), 'init'));
  addReplayCommand(program.command('replay-traffic <run>'));
  addNemesisCommands(program.command('nemesis').description('write a nemesis of your own'));
  addMemberCommands(program);
  addJudgingCommands(program);
  program
    .command('list [what]')
    .description('clusters, workloads, nemeses, presets, checkers, models, hosts or runs (default: all)')
    .option('--json', 'as JSON')
    .action(of(others, 'list'));
  program
    .command('doctor')
    .description('what this machine can and cannot do, and what to install')
    .option('--json', 'as JSON')
    .action(of(others, 'doctor'));
  program
    .command('heal [run]')
    .description('undo whatever earlier runs left behind: containers, networks, namespaces, rules, processes')
    .option('--all', 'of every run')
    .option('--force', 'even of a run that is still going')
    .action(of(others, 'heal'));
  program
    .command('schema [name]')
    .description('print a JSON Schema: verdict, config or service')
    .action(of(others, 'schema'));
  for (const command of program.commands) command.exitOverride();
  return program;
}

/** For users' own workloads and checkers. */
function addMemberCommands(program: Command): void {
  for (const [kind, test] of [
    ['workload', 'testWorkload'],
    ['checker', 'testChecker'],
  ] as const) {
    const command = program.command(kind).description(`write a ${kind} of your own`);
    addNew(command, kind);
    command
      .command('test <file>')
      .description(`ask of it what is asked of every ${kind} that is shipped`)
      .action(of(members, test));
    for (const one of command.commands) one.exitOverride();
  }
}

/** What is done with runs and histories that are there. */
function addJudgingCommands(program: Command): void {
  program
    .command('check <run-or-file>')
    .description('judge a stored run again, or any history file')
    .option('--model <name>', 'judge linearizability by this model')
    .option('--checker <name>', 'judge by this checker')
    .option('--timeout <duration>', 'how long each checker may think', '5m')
    .option('--json', 'print the verdicts as JSON')
    .option('--report <file.html>', 'draw what was found in a history file as a page')
    .addHelpText('after', checkExamples)
    .action(of(histories, 'check'));
  program
    .command('export <run-or-file>')
    .description("print a history for other tools: Jepsen's history.edn, which Elle and Knossos read, or JSON lines")
    .option('--format <edn|jsonl>', 'which of them', 'edn')
    .action(of(histories, 'exportHistory'));
  program.command('report [run]').description('draw a stored run again (default: latest)').action(of(others, 'report'));
}

function addRunOptions(command: Command): Command {
  return command
    .option('--cluster <name>', 'which system, `name` or `name:variant` (default: ledger)')
    .option('--bug <name>', 'the same as the variant: a known bug of the cluster')
    .addOption(new Option('--host <name>', 'where its nodes live').choices(HOSTS))
    .option('--workload <name>', 'what clients ask; or a file, ./mine.ts')
    .option('--nemesis <names>', 'what goes wrong: names, a preset or files, comma-separated; or none')
    .option('--seed <n>', 'same seed, same requests and faults (default: random, always printed)')
    .option('--nodes <n>', 'how many nodes')
    .option('--concurrency <n|Nn>', 'workers, or workers for each node (default: 4n)')
    .option('--rate <n|closed>', 'requests a second in open loop, or closed (default: 200)')
    .option('--time-limit <duration>', 'how long load and faults last (default: 30s)')
    .option('--warm-up <duration>', 'load before the first fault (default: 1s)')
    .option('--request-timeout <duration>', 'when a request counts as lost (default: 1s)')
    .option('--recovery-timeout <duration>', 'how long recovery may take (default: 30s)')
    .option('--calm <from..to>', 'quiet time before each fault (default: 1500ms..4s)')
    .option('--fault <from..to>', 'how long each fault lasts (default: 1500ms..5s)')
    .option('--longest-fault <duration>', 'no fault may last longer (default: 1m)')
    .option('--beyond-quorum', 'more than a minority of the nodes may be down at once')
    .option('--abort-when <conditions>', "end and heal at once: 'errors>50%', 'errors>50%/30s', 'silence>5s'")
    .option('--stop-file <path>', 'end and heal at once when this file appears')
    .option('--skip-unavailable', 'go on without nemeses that cannot work on this cluster')
    .option('--dry-run', 'everything except touching nodes: faults are only noted')
    .option('--name <name>', 'folder of the run in the store')
    .option('--store <directory>', 'where runs are kept (default: .ordeal)')
    .option('--quiet', 'print the end only')
    .option('--json', 'print the verdict as JSON on standard output');
}

const replayExamples = `
Examples:
  ordeal replay-traffic latest --into ledger                        rebuild the books, then send everything again
  ordeal replay-traffic latest --into ledger --order shuffled       in another order, as fast as it goes
  ordeal replay-traffic latest --into ledger --restore              restore the store from a backup in between
  ordeal replay-traffic latest --into ledger:key-in-memory          which a bug does not survive`;

function addReplayCommand(command: Command): void {
  command
    .description('send the requests of a stored run again, keys included: nothing may be applied twice')
    .requiredOption('--into <name>', 'which system, brought up anew: `name` or `name:variant`')
    .addOption(new Option('--host <name>', 'where its nodes live').choices(HOSTS))
    .option('--nodes <n>', 'how many nodes')
    .addOption(new Option('--speed <speed>', 'with the recorded pauses or without').choices(SPEEDS).default('maximal'))
    .addOption(new Option('--order <order>', 'as recorded or shuffled').choices(ORDERS).default('recorded'))
    .option('--restore', 'restore its store from a backup before everything is sent again')
    .option('--seed <n>', 'of the shuffling')
    .option('--store <directory>', 'where runs are kept (default: .ordeal)')
    .option('--quiet', 'print the end only')
    .option('--json', 'print the verdict as JSON on standard output')
    .addHelpText('after', replayExamples)
    .action(of(() => import('./replay-command.ts'), 'replayTraffic'));
}

const addNew = (command: Command, kind: 'nemesis' | 'workload' | 'checker'): Command =>
  command
    .command('new <name>')
    .description('write a file to begin with, NAME.ts')
    .action(async (wanted: string) => (await import('./scaffold.ts')).writeNew(kind, wanted));

function addNemesisCommands(nemesis: Command): void {
  addNew(nemesis, 'nemesis');
  nemesis
    .command('try <file>')
    .description('inject one fault, wait, heal, and show what was seen of both')
    .option('--cluster <name>', 'into which system (default: memory)')
    .addOption(new Option('--host <name>', 'where its nodes live').choices(HOSTS))
    .option('--for <duration>', 'how long it is held (default: 3s)')
    .option('--seed <n>', 'which fault is drawn')
    .option('--beyond-quorum', 'more than a minority of the nodes may be down at once')
    .option('--store <directory>', 'where runs are kept (default: .ordeal)')
    .option('--quiet', 'print the end only')
    .action(of(nemeses, 'tryNemesis'));
  nemesis
    .command('test <file>')
    .description('ask of it what is asked of every nemesis that is shipped')
    .addOption(
      new Option('--host <name>', 'where its nodes live (default: loopback)').choices(['docker', 'loopback', 'netns']),
    )
    .option('--cluster <name>', 'into which system (default: ledger on loopback, etcd elsewhere)')
    .option('--seed <n>', 'which faults are drawn for real nodes')
    .option('--beyond-quorum', 'more than a minority of the nodes may be down at once')
    .option('--store <directory>', 'where runs are kept (default: .ordeal)')
    .action(of(nemeses, 'testNemesis'));
  for (const command of nemesis.commands) command.exitOverride();
}

/** Before Node warns of a leak: one signal is heard by every worker of a run, and by all that waits for an answer. */
const MOST_LISTENERS = 2_000;

/** Runs one command line and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  watchForMistakes();
  setMaxListeners(MOST_LISTENERS);
  // That nobody listens any more is no reason to end: a run heals, and its verdict is on disk.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  try {
    const program = commandLine();
    if (argv.length <= 2) program.outputHelp();
    else await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = codeFor(error);
  }
  // Sockets and timers of what was given up on must not keep the process alive.
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  leave();
}

function codeFor(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.badUsage;
  if (!(error instanceof UsageError)) return tellMistake(error);
  process.stderr.write(`${pc.red('ordeal:')} ${error.message}\n`);
  return EXIT.badUsage;
}
