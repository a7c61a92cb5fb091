import { MultiBar, Presets } from 'cli-progress';
import { withTimeLeft } from '../../time-left.ts';
import type { CommandProgress } from '../definition/command.ts';

/** After so long a log says how far the work is. */
const STILL_MS = 60_000;

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
    listener: ({ stage, subject, done = 0, total = 1, secondsLeft }: CommandProgress) => {
      bar.setTotal(total);
      bar.update(done, { task: withTimeLeft(`${stage}: ${subject}`, secondsLeft) });
    },
    line: (text) => all.log(`${text}\n`),
    result: (text) => (process.stdout.isTTY ? all.log(`${text}\n`) : void process.stdout.write(`${text}\n`)),
    stop: () => all.stop(),
  };
}

function lines(output: NodeJS.WriteStream): ProgressDisplay {
  const line = (text: string): void => void output.write(`${text}\n`);
  let last = performance.now();
  return {
    // Each stage once, and how far a long one is once a minute: all of its steps would flood a log.
    listener: ({ stage, subject, done, total = 0, secondsLeft }: CommandProgress) => {
      const at = performance.now();
      if (done === undefined) line(`${stage}: ${subject}`);
      else if (at - last < STILL_MS || total === 0) return;
      else line(withTimeLeft(`${stage}: ${subject}, ${Math.floor((100 * done) / total)} %`, secondsLeft));
      last = at;
    },
    line,
    result: (text) => void process.stdout.write(`${text}\n`),
    stop: () => {},
  };
}
