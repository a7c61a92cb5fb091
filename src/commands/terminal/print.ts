/** What a command was asked for goes to stdout; progress and the log don't. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`);
