#!/usr/bin/env node
import './telemetry-off.ts';

import { Command, CommanderError, Option } from 'commander';
import { verifyAudit } from './commands/audit-command.ts';
import { checkConfig, serve } from './commands/commands.ts';
import { runDemo } from './commands/demo-command.ts';
import { runDoctor } from './commands/doctor-command.ts';
import { rebuildVolumeHistory, showHistory } from './commands/history-command.ts';
import { showLogIdentifier } from './commands/log-command.ts';
import { importModelFolder, listModelFolders, verifyModelFolder } from './commands/models-commands.ts';
import { addToOptOuts, removeFromOptOuts, showOptOuts } from './commands/opt-out-command.ts';
import { processStudy } from './commands/process-command.ts';
import { dropStudies, listQueue, requeueStudies, setQueueMode } from './commands/queue-command.ts';
import { reportError } from './commands/report-error.ts';
import { parseReason, withdraw } from './commands/results-command.ts';
import { parseMode, segmentSeries } from './commands/segment-command.ts';
import { explainSelection } from './commands/select-command.ts';
import { addBearerToken, listBearerTokens, revokeBearerToken } from './commands/token-command.ts';
import { NODE_ROLES } from './compose/role.ts';
import { ACCESS_ROLES } from './http/security/principal.ts';
import { SOFTWARE_VERSION } from './version.ts';

const WRONG_USAGE = 2;

const program = new Command('pansegnet-node')
  .description(
    'Finds the pancreas in abdominal CT and MR studies of a DICOMweb archive. For research use only.',
  )
  .version(SOFTWARE_VERSION)
  .exitOverride();

const config = () => new Option('--config <file>', "the site's configuration; see config/default.yaml");

program
  .command('demo')
  .description('start everything embedded, send in synthetic patients and process them')
  .option('--once', 'stop when they are processed')
  .option('--output <dir>', 'copy SEG and SR of each study to this folder')
  .option('--viewer', 'serve the OHIF viewer too, fetched from the npm registry once')
  .addOption(new Option('--port <n>', 'where the pages are').argParser(Number).default(8080))
  .action(runDemo);

program
  .command('serve')
  .description('watch the archive and process what arrives')
  .addOption(
    new Option('--role <role>', 'gateway: polls, receives, shows; worker: processes; all: both')
      .choices(NODE_ROLES)
      .default('all'),
  )
  .addOption(config())
  .action(serve);

program
  .command('segment <input>')
  .description('segment one series: a folder of DICOM files, or one NIfTI file (.nii, .nii.gz)')
  .requiredOption('--model <name>', 'name or folder of a model')
  .requiredOption('--output <dir>', 'where seg.dcm and sr.dcm, or seg.nii.gz, and result.json go')
  .option('--series <uid>', 'the series to take, where the folder has several')
  .addOption(
    new Option('--mode <mode>', 'exact: what the original does').argParser(parseMode).default('exact'),
  )
  .option('--save-probabilities', "write probabilities.nii.gz too, on the input's own grid")
  .option('--json', 'print result.json instead of a sentence')
  .addOption(config())
  .action(segmentSeries);

program
  .command('log-identifier <uid>')
  .description('say what stands in the log for a UID, where log.identifiers is hashed')
  .addOption(config())
  .action(showLogIdentifier);

program
  .command('process')
  .description('fetch one study from the archive and process it now')
  .requiredOption('--study <uid>', 'Study Instance UID')
  .option('--series <uid>', 'take this series, whatever the rules say')
  .addOption(new Option('--class <class>', 'what the series is').choices(['CT_ABDOMEN', 'T1W', 'T2W']))
  .addOption(config())
  .action(processStudy);

program
  .command('select')
  .description('say what would be chosen in a study and why; nothing is processed')
  .option('--study <uid>', 'Study Instance UID, in the archive')
  .option('--metadata <file>', 'a file of studies as DICOM JSON; prints the choices as JSON')
  .option('--json', 'print JSON instead of sentences')
  .addOption(config())
  .action(explainSelection);

const history = program
  .command('history')
  .description('the pancreas volumes that were measured')
  .option('--patient <key>', "one patient's, by the key that the pages show")
  .addOption(new Option('--json', 'print JSON').conflicts('csv'))
  .option('--csv', 'print comma-separated values')
  .addOption(config())
  .action(showHistory);
history
  .command('rebuild')
  .description('write the history anew from the reports in the archive')
  .option('--json', 'print JSON')
  .addOption(config())
  .action(rebuildVolumeHistory);

const queue = program.command('queue').description('the studies that wait, and those that were given up');
queue
  .command('list')
  .description('how much waits, and which studies were given up, why and when')
  .option('--json', 'print JSON')
  .addOption(config())
  .action(listQueue);
queue
  .command('requeue [study]')
  .description('put a study that was given up back in the queue')
  .option('--all', 'every one of them')
  .addOption(config())
  .action(requeueStudies);
queue
  .command('drop [study]')
  .description('take a study from the list of those given up')
  .option('--all', 'every one of them')
  .addOption(config())
  .action(dropStudies);
queue
  .command('pause')
  .description('finish what is worked on and begin nothing more, until `queue resume`')
  .addOption(config())
  .action(setQueueMode('paused'));
queue
  .command('drain')
  .description('work off what waits and let nothing new in, until `queue resume`')
  .addOption(config())
  .action(setQueueMode('draining'));
queue
  .command('resume')
  .description('take up the work again')
  .addOption(config())
  .action(setQueueMode('running'));

const results = program.command('results').description('results that are in the archive');
results
  .command('withdraw')
  .description('store a rejection note for a result that is wrong, and mark it in the history')
  .addOption(new Option('--series <uid>', 'series of its SEG or its report').conflicts('report'))
  .option('--report <uid>', 'SOP Instance UID of its report')
  .addOption(
    new Option('--reason <reason>', 'quality, safety, worklist (wrong patient or order), expired (retention)')
      .argParser(parseReason)
      .makeOptionMandatory(),
  )
  .option('--comment <text>', 'why, in your words')
  .option('--json', 'print JSON')
  .addOption(config())
  .action(withdraw);

const optOut = program.command('opt-out').description('patients and studies that are never processed');
const optOutTarget = (command: Command): Command =>
  command
    .option('--patient <id>', 'PatientID; kept as a keyed hash')
    .option('--issuer <issuer>', 'its IssuerOfPatientID; without it: whoever issued it')
    .option('--study <uid>', 'Study Instance UID')
    .addOption(config());
optOutTarget(optOut.command('add').description('put a patient or a study on the list')).action(addToOptOuts);
optOutTarget(optOut.command('remove').description('take it off the list')).action(removeFromOptOuts);
optOut
  .command('list')
  .description('what is on the list')
  .option('--json', 'print JSON')
  .addOption(config())
  .action(showOptOuts);

const models = program.command('models').description('the models that are installed');
models
  .command('import <source>')
  .description("make a model of nnU-Net v1's or PanSegNet's training output: a folder, or a zip file of it")
  .requiredOption('--name <name>', "the model's name")
  .addOption(
    new Option('--modality <modality>', 'what it is for').choices(['CT', 'T1W', 'T2W']).makeOptionMandatory(),
  )
  .option('--output <dir>', "the model's folder; else one of that name among the models")
  .option('--orientation <axes>', 'patient direction of the axes in training, such as LPS', 'as-stored')
  .option('--replace', 'take the place of a model that is there')
  .option('--json', 'print JSON')
  .addOption(config())
  .action(importModelFolder);
models
  .command('verify <name>')
  .description('check the hashes of a model by name or folder, run its self-test, tell speed and memory')
  .option('--json', 'print JSON')
  .addOption(config())
  .action(verifyModelFolder);
models.command('list').option('--json', 'print JSON').addOption(config()).action(listModelFolders);

const token = program.command('token').description('bearer tokens of people and programs that use the node');
token
  .command('add <name>')
  .description('make a token and print it; only its hash is kept')
  .addOption(
    new Option('--role <role>', 'viewer sees, sender sends studies, operator may do everything')
      .choices(ACCESS_ROLES)
      .makeOptionMandatory(),
  )
  .option('--expires <when>', 'days from now, such as 90d, or the last day, such as 2027-06-30')
  .addOption(config())
  .action(addBearerToken);
token.command('list').option('--json', 'print JSON').addOption(config()).action(listBearerTokens);
token.command('revoke <name>').addOption(config()).action(revokeBearerToken);

program
  .command('doctor')
  .description('say whether archive, database, models, disk and memory are fit to run; ends with 1 if not')
  .option('--json', 'print JSON')
  .addOption(config())
  .action(runDoctor);

const audit = program.command('audit').description('the audit log: who saw and did what');
audit
  .command('verify')
  .description('say whether lines were changed, removed or added since the node wrote them')
  .option('--json', 'print JSON')
  .addOption(config())
  .action(verifyAudit);

const configuration = program.command('config').description('the configuration');
configuration
  .command('check <file>')
  .description('validate a configuration and print it resolved, secrets masked')
  .action(checkConfig);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own errors already; its code 0 stands for help and version.
  process.exitCode =
    error instanceof CommanderError ? (error.exitCode === 0 ? 0 : WRONG_USAGE) : reportError(error);
}
