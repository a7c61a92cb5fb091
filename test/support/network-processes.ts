import { readdir, readFile } from 'node:fs/promises';

/** The processes in which a program runs networks, by their ids; Linux. */
export async function networkProcesses(parent: number = process.pid): Promise<number[]> {
  const threads = await readdir(`/proc/${parent}/task`).catch(() => []);
  const children = await Promise.all(
    threads.map((thread) => readFile(`/proc/${parent}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  const ids = children.flatMap((text) => text.split(' ').filter(Boolean).map(Number));
  const isOne = await Promise.all(ids.map(isNetworkProcess));
  return ids.filter((_, i) => isOne[i]);
}

/** Whether it runs still. */
export async function isNetworkProcess(id: number): Promise<boolean> {
  const command = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
  return command.includes('segment-process');
}
