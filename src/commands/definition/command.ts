import type { z } from 'zod';
import type { NodeParts } from '../../compose/node-parts.ts';
import type { Config } from '../../config.ts';

/** What is done, on what, and how much of it. Stages of a run are among these. */
export interface CommandProgress {
  readonly stage: string;
  readonly subject: string;
  readonly done?: number;
  readonly total?: number;
  readonly secondsLeft?: number;
}

/** What a command works with that runs in the process that was called. */
export interface LocalParts {
  /**
   * Loads the configuration that was named.
   * @throws ConfigError
   */
  readonly configure: () => Config;
  /** What a node that this process starts does for other processes is among these. */
  readonly everyCommand: () => Promise<readonly CliCommand[]>;
}

/**
 * What a command works with in a process of its own or, where a node runs on the database, inside of that
 * node.
 */
export interface CommandParts extends NodeParts {
  /** A line of the result. */
  readonly print: (line: string) => void;
  /** Resolves when what was printed has left this process, where it may gather in it. */
  readonly printed?: () => Promise<void>;
  readonly onProgress: (progress: CommandProgress) => void;
  readonly signal: AbortSignal;
}

/** Where a command runs, and what it is given there. */
interface PartsOf {
  here: LocalParts;
  'in-node': CommandParts;
}
type Place = keyof PartsOf;

interface CommandWords<Runs extends Place, Options extends z.ZodObject> {
  /**
   * As it is called, such as `queue list`; its file and its path in a running node have dashes for the
   * spaces.
   */
  readonly name: string;
  readonly help: string;
  /**
   * What stands on the command line, each field made by `option`, `flag` or `argument`. Options that passed
   * pass again: they are checked where they are typed, and inside of the node.
   */
  readonly options: Options;
  readonly runs: Runs;
  /** Whether it takes --config; default: yes. */
  readonly takesConfig?: false;
}

/** Where it works in a process of its own. */
interface DatabaseNeed<Options extends z.ZodObject> {
  /** Whether it may make the database where there is none; default: never. */
  readonly mayCreateDatabase?: (options: z.output<Options>) => boolean;
  /** Whether an empty one in memory does where there is none; default: no. */
  readonly worksWithoutDatabase?: boolean;
}

interface CommandDefinition<Runs extends Place, Options extends z.ZodObject>
  extends CommandWords<Runs, Options>,
    DatabaseNeed<Options> {
  readonly run: (options: z.output<Options>, parts: PartsOf[Runs]) => Promise<void> | void;
}

/** A command with options that are known to be right. */
export interface PreparedCommand<Runs extends Place> {
  readonly options: object;
  readonly mayCreateDatabase: boolean;
  readonly worksWithoutDatabase: boolean;
  readonly run: (parts: PartsOf[Runs]) => Promise<void>;
}

interface CommandOf<Runs extends Place> extends CommandWords<Runs, z.ZodObject> {
  /** @throws ZodError where the options are not right */
  readonly prepare: (options: unknown) => PreparedCommand<Runs>;
}
type LocalCommand = CommandOf<'here'>;
/**
 * A command that works beside a running node: by itself where none runs on the database, else inside of that
 * node.
 */
export type NodeCommand = CommandOf<'in-node'>;
export type CliCommand = LocalCommand | NodeCommand;

/** One command: how it is written, what it says of itself, where it runs and what it does. */
export function defineCommand<Runs extends Place, Options extends z.ZodObject>({
  run,
  mayCreateDatabase = () => false,
  worksWithoutDatabase = false,
  ...words
}: CommandDefinition<Runs, Options>): CommandOf<Runs> {
  return {
    ...words,
    prepare: (given) => {
      const options = words.options.parse(given);
      return {
        options,
        mayCreateDatabase: mayCreateDatabase(options),
        worksWithoutDatabase,
        run: async (parts) => run(options, parts),
      };
    },
  };
}

/** Its name in a path: `queue-list`. */
export const pathName = ({ name }: Pick<CliCommand, 'name'>): string => name.replaceAll(' ', '-');
