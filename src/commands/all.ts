import type { CliCommand } from './definition/command.ts';

/**
 * Every command of the program, in the order in which --help names them. A new one is a file and a line here.
 * Each is loaded when it is called: with what `serve` needs, `queue list` would take twice the time to start.
 */
const COMMANDS: Readonly<Record<string, () => Promise<CliCommand>>> = {
  demo: async () => (await import('./demo.ts')).demo,
  serve: async () => (await import('./serve.ts')).serve,
  segment: async () => (await import('./segment.ts')).segment,
  evaluate: async () => (await import('./evaluate.ts')).evaluate,
  'log-identifier': async () => (await import('./log-identifier.ts')).logIdentifier,
  process: async () => (await import('./process.ts')).processStudy,
  select: async () => (await import('./select.ts')).select,
  history: async () => (await import('./history.ts')).history,
  'history rebuild': async () => (await import('./history-rebuild.ts')).historyRebuild,
  'history backfill': async () => (await import('./history-backfill.ts')).historyBackfill,
  'history remeasure': async () => (await import('./history-remeasure.ts')).historyRemeasure,
  'queue list': async () => (await import('./queue-list.ts')).queueList,
  'queue requeue': async () => (await import('./queue-requeue.ts')).queueRequeue,
  'queue drop': async () => (await import('./queue-drop.ts')).queueDrop,
  'queue pause': async () => (await import('./queue-pause.ts')).queuePause,
  'queue drain': async () => (await import('./queue-drain.ts')).queueDrain,
  'queue resume': async () => (await import('./queue-resume.ts')).queueResume,
  'results collect': async () => (await import('./results-collect.ts')).resultsCollect,
  'results resend': async () => (await import('./results-resend.ts')).resultsResend,
  'results withdraw': async () => (await import('./results-withdraw.ts')).resultsWithdraw,
  'opt-out add': async () => (await import('./opt-out-add.ts')).optOutAdd,
  'opt-out remove': async () => (await import('./opt-out-remove.ts')).optOutRemove,
  'opt-out list': async () => (await import('./opt-out-list.ts')).optOutList,
  'patient erase': async () => (await import('./patient-erase.ts')).patientErase,
  'database backup': async () => (await import('./database-backup.ts')).databaseBackup,
  'database restore': async () => (await import('./database-restore.ts')).databaseRestore,
  'models import': async () => (await import('./models-import.ts')).modelsImport,
  'models verify': async () => (await import('./models-verify.ts')).modelsVerify,
  'models promote': async () => (await import('./models-promote.ts')).modelsPromote,
  'models list': async () => (await import('./models-list.ts')).modelsList,
  'token add': async () => (await import('./token-add.ts')).tokenAdd,
  'token list': async () => (await import('./token-list.ts')).tokenList,
  'token revoke': async () => (await import('./token-revoke.ts')).tokenRevoke,
  doctor: async () => (await import('./doctor.ts')).doctor,
  'audit verify': async () => (await import('./audit-verify.ts')).auditVerify,
  'config check': async () => (await import('./config-check.ts')).configCheck,
};

/** Each command, with its syntax and what it does. */
export const loadCommands = (): Promise<CliCommand[]> =>
  Promise.all(Object.values(COMMANDS).map((load) => load()));

/** What a command line can mean that begins with this word: all commands, where it begins none. */
export async function loadCommandsBehind(first: string | undefined): Promise<CliCommand[]> {
  const meant = Object.entries(COMMANDS).filter(([name]) => name.split(' ')[0] === first);
  return meant.length === 0 ? loadCommands() : Promise.all(meant.map(([, load]) => load()));
}

/** What commands are about that begin with the same word. */
export const GROUPS = {
  queue: 'the studies that wait, and those that were given up',
  results: 'results that are in the archive',
  'opt-out': 'patients and studies that are never processed',
  patient: 'what the node keeps of a patient',
  database: 'the database as a whole',
  models: 'the models that are installed',
  token: 'bearer tokens of people and programs that use the node',
  audit: 'the audit log: who saw and did what',
  config: 'the configuration',
} as const satisfies Record<string, string>;
