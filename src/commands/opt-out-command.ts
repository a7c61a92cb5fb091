import type { Command } from 'commander';
import { optOutAddCommand, optOutListCommand, optOutRemoveCommand } from '../compose/commands/opt-out.ts';
import { ConfigError } from '../config.ts';
import type { OptOut } from '../store/records/opt-out.ts';
import { runNodeCommand } from './node-command.ts';

interface OptOutOptions {
  patient?: string;
  issuer?: string;
  study?: string;
  json?: true;
  config?: string;
}

export async function addToOptOuts(options: OptOutOptions): Promise<void> {
  await runNodeCommand(optOutAddCommand, optOutOf(options), options);
}

export async function removeFromOptOuts(options: OptOutOptions): Promise<void> {
  await runNodeCommand(optOutRemoveCommand, optOutOf(options), options);
}

export async function showOptOuts(_: object, command: Command): Promise<void> {
  const { json, config } = command.optsWithGlobals<OptOutOptions>();
  await runNodeCommand(optOutListCommand, { json: json ?? false }, { config });
}

function optOutOf({ patient, issuer, study }: OptOutOptions): OptOut {
  if (study !== undefined && patient === undefined && issuer === undefined)
    return { studyInstanceUid: study };
  if (patient !== undefined && patient.trim() !== '' && study === undefined)
    return { patientId: patient, issuer };
  throw new ConfigError(
    'opt-out: name one of --study UID and --patient ID (with --issuer, where IDs are not unique)',
  );
}
