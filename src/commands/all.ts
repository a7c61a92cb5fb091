import { auditVerify } from './audit-verify.ts';
import { configCheck } from './config-check.ts';
import type { CliCommand } from './definition/command.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { history } from './history.ts';
import { historyRebuild } from './history-rebuild.ts';
import { logIdentifier } from './log-identifier.ts';
import { modelsImport } from './models-import.ts';
import { modelsList } from './models-list.ts';
import { modelsVerify } from './models-verify.ts';
import { optOutAdd } from './opt-out-add.ts';
import { optOutList } from './opt-out-list.ts';
import { optOutRemove } from './opt-out-remove.ts';
import { patientErase } from './patient-erase.ts';
import { processStudy } from './process.ts';
import { queueDrain } from './queue-drain.ts';
import { queueDrop } from './queue-drop.ts';
import { queueList } from './queue-list.ts';
import { queuePause } from './queue-pause.ts';
import { queueRequeue } from './queue-requeue.ts';
import { queueResume } from './queue-resume.ts';
import { resultsWithdraw } from './results-withdraw.ts';
import { segment } from './segment.ts';
import { select } from './select.ts';
import { serve } from './serve.ts';
import { tokenAdd } from './token-add.ts';
import { tokenList } from './token-list.ts';
import { tokenRevoke } from './token-revoke.ts';

/**
 * Every command of the program, in the order in which --help names them. A new one is a file and a line here.
 */
export const COMMANDS: readonly CliCommand[] = [
  demo,
  serve,
  segment,
  logIdentifier,
  processStudy,
  select,
  history,
  historyRebuild,
  queueList,
  queueRequeue,
  queueDrop,
  queuePause,
  queueDrain,
  queueResume,
  resultsWithdraw,
  optOutAdd,
  optOutRemove,
  optOutList,
  patientErase,
  modelsImport,
  modelsVerify,
  modelsList,
  tokenAdd,
  tokenList,
  tokenRevoke,
  doctor,
  auditVerify,
  configCheck,
];

/** What commands are about that begin with the same word. */
export const GROUPS = {
  queue: 'the studies that wait, and those that were given up',
  results: 'results that are in the archive',
  'opt-out': 'patients and studies that are never processed',
  patient: 'what the node keeps of a patient',
  models: 'the models that are installed',
  token: 'bearer tokens of people and programs that use the node',
  audit: 'the audit log: who saw and did what',
  config: 'the configuration',
} as const satisfies Record<string, string>;
