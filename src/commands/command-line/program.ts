import { Argument, Command, CommanderError } from 'commander';
import { z } from 'zod';
import { loadConfig } from '../../config.ts';
import { SOFTWARE_VERSION } from '../../version.ts';
import { type CliCommand, pathName } from '../definition/command.ts';
import { type Field, fieldsOf } from '../definition/field.ts';
import { reportError } from '../terminal/report-error.ts';
import { FieldOption } from './field-option.ts';

const WRONG_USAGE = 2;
const CONFIG = ['--config <file>', "the site's configuration; see config/default.yaml"] as const;

interface CommandList {
  readonly commands: readonly CliCommand[];
  /** What a node that is started does for other processes; default: the same commands. */
  readonly everyCommand?: () => Promise<readonly CliCommand[]>;
  /** What commands whose names begin with the same word are about, by that word. */
  readonly groups: Readonly<Record<string, string>>;
}

/**
 * Does what the command line says. Its end is in `process.exitCode`: 0 done, 1 the work failed, 2 wrong
 * usage.
 */
export async function runCommandLine(list: CommandList, words?: readonly string[]): Promise<void> {
  try {
    await commandLine(list).parseAsync(words, words && { from: 'user' });
  } catch (error) {
    // Commander has printed its own errors already; its code 0 stands for help and version.
    process.exitCode =
      error instanceof CommanderError ? (error.exitCode === 0 ? 0 : WRONG_USAGE) : reportError(error);
  }
}

/** The whole command line, with the help of each command. */
export function commandLine(list: CommandList): Command {
  const program = new Command('pansegnet-node')
    .description(
      'Finds the pancreas in abdominal CT and MR studies of a DICOMweb archive. For research use only.',
    )
    .version(SOFTWARE_VERSION)
    .exitOverride();
  for (const command of list.commands) addCommand(program, command, list);
  return program;
}

function addCommand(program: Command, command: CliCommand, list: CommandList): void {
  const { name, help, takesConfig = true } = command;
  const [first = '', second] = name.split(' ');
  const group = second === undefined ? program : groupOf(program, first, list.groups);
  const added = group.command(second ?? first).description(help);
  const fields = fieldsOf(command.options);
  for (const field of fields) {
    if (field.kind === 'argument') added.addArgument(new Argument(field.syntax, field.help));
    else added.addOption(new FieldOption(field));
  }
  if (takesConfig) added.option(...CONFIG);
  added.action(async () => {
    const configure = () => loadConfig({ file: added.optsWithGlobals()['config'] });
    const given = givenTo(added, fields);
    if (command.runs === 'here') {
      const { run } = checked(command.prepare, given, added);
      const { everyCommand = async () => list.commands } = list;
      await run({ configure, everyCommand });
    } else {
      const prepared = checked(command.prepare, given, added);
      const { runBesideNode } = await import('../running/run-beside-node.ts');
      await runBesideNode({ name: pathName(command), ...prepared }, configure);
    }
  });
}

/** What was typed, by the names of the fields. Options may stand behind any word of the command. */
function givenTo(command: Command, fields: readonly Field[]): Record<string, unknown> {
  const values = command.processedArgs.values();
  const options = command.optsWithGlobals();
  return Object.fromEntries(
    fields
      .map(({ kind, name }) => [name, kind === 'argument' ? values.next().value : options[name]] as const)
      .filter(([, value]) => value !== undefined),
  );
}

/** Ends with what is wrong on the command line, in commander's words, where the options are not right. */
function checked<Prepared>(
  prepare: (options: unknown) => Prepared,
  given: Readonly<Record<string, unknown>>,
  command: Command,
): Prepared {
  try {
    return prepare(given);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    const name = String(issue?.path[0]);
    const option = command.options.find((one) => one.attributeName() === name);
    const place = option ? `option '${option.flags}' argument '${String(given[name])}' is invalid. ` : '';
    return command.error(`error: ${place}${issue?.message}`);
  }
}

/** `history` is a command and a group at once; others are groups alone. */
function groupOf(program: Command, name: string, groups: CommandList['groups']): Command {
  return (
    program.commands.find((command) => command.name() === name) ??
    program.command(name).description(groups[name] ?? '')
  );
}
