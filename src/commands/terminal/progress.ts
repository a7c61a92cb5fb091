import { MultiBar, Presets } from 'cli-progress';
import type { CommandProgress } from '../definition/command.ts';

/** Shows progress: a bar on a terminal, plain lines elsewhere. */
export interface ProgressDisplay {
  readonly listener: (progress: CommandProgress) => void;
  /** Prints a line for people on stderr, without tearing the bar. */
  line(text: string): void;
  /** Prints a line of the command's result on stdout, without tearing the bar. */
  result(text: string): void;
  stop(): void;
}

export function createProgressDisplay(output: NodeJS.WriteStream = process.stderr): ProgressDisplay {
  return output.isTTY ? bars(output) : lines(output);
}

function bars(output: NodeJS.WriteStream): ProgressDisplay {
  const all = new MultiBar(
    { stream: output, format: '{bar} {percentage}% {task}', hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  const bar = all.create(1, 0, { task: '' });
  return {
    listener: ({ stage, subject, done = 0, total = 1 }: CommandProgress) => {
      bar.setTotal(total);
      bar.update(done, { task: `${stage}: ${subject}` });
    },
    line: (text) => all.log(`${text}\n`),
    result: (text) => (process.stdout.isTTY ? all.log(`${text}\n`) : void process.stdout.write(`${text}\n`)),
    stop: () => all.stop(),
  };
}

function lines(output: NodeJS.WriteStream): ProgressDisplay {
  const line = (text: string): void => void output.write(`${text}\n`);
  return {
    // Each stage once: its steps would flood a log.
    listener: ({ stage, subject, done }: CommandProgress) => {
      if (done === undefined) line(`${stage}: ${subject}`);
    },
    line,
    result: (text) => void process.stdout.write(`${text}\n`),
    stop: () => {},
  };
}
