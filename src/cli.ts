#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { checkConfig, processStudy, serve } from './cli/commands.ts';
import { runDemo } from './cli/demo-command.ts';
import { listModelFolders } from './cli/models-commands.ts';
import { reportError } from './cli/report-error.ts';
import { segmentSeries } from './cli/segment-command.ts';
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
  .addOption(new Option('--port <n>', 'where the pages are').argParser(Number).default(8080))
  .action(runDemo);

program
  .command('serve')
  .description('watch the archive and process what arrives')
  .addOption(config())
  .action(serve);

program
  .command('segment <input>')
  .description('segment one series: a folder of DICOM files')
  .requiredOption('--model <name>', 'name or folder of a model')
  .requiredOption('--output <dir>', 'where seg.dcm, sr.dcm and result.json go')
  .option('--series <uid>', 'the series to take, where the folder has several')
  .option('--json', 'print result.json instead of a sentence')
  .addOption(config())
  .action(segmentSeries);

program
  .command('process')
  .description('fetch one study from the archive and process it now')
  .requiredOption('--study <uid>', 'Study Instance UID')
  .option('--series <uid>', 'take this series, whatever the rules say')
  .addOption(new Option('--class <class>', 'what the series is').choices(['CT_ABDOMEN', 'T1W', 'T2W']))
  .addOption(config())
  .action(processStudy);

const models = program.command('models').description('the models that are installed');
models.command('list').option('--json', 'print JSON').addOption(config()).action(listModelFolders);

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
