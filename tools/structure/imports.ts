import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { FOR_EVERY_ROOM, type Room } from './rooms.ts';

/** Each file and the files that it imports, relative to the folder that was read. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** Imports of every TypeScript file below `root`, types included, modules of others left out. */
export function readImports(root: string): Imports {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return new Map(
    files.map((file) => {
      const text = readFileSync(path.join(root, file), 'utf8');
      const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
        (match) => match[1] ?? '',
      );
      return [file, specifiers.map((specifier) => path.join(path.dirname(file), specifier))];
    }),
  );
}

export const roomOf = (file: string): string => file.split('/')[0] ?? file;

/** Imports from one room of another, but for what every room may import. */
function crossings(imports: Imports): { file: string; target: string }[] {
  return [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => roomOf(target) !== roomOf(file) && !FOR_EVERY_ROOM.includes(target))
      .map((target) => ({ file, target })),
  );
}

const covers = (right: string, target: string): boolean =>
  right === '*' || right === target || right === roomOf(target);

export function forbiddenImports(imports: Imports, rooms: Readonly<Record<string, Room>>): string[] {
  return crossings(imports)
    .filter(({ file, target }) => !rooms[roomOf(file)]?.mayImport.some((right) => covers(right, target)))
    .map(({ file, target }) => `${file} -> ${target}`);
}

/** Rights that no import needs: they would let something in unseen. */
export function unusedRights(imports: Imports, rooms: Readonly<Record<string, Room>>): string[] {
  const used = crossings(imports);
  return Object.entries(rooms).flatMap(([room, { mayImport }]) =>
    mayImport
      .filter((right) => !used.some(({ file, target }) => roomOf(file) === room && covers(right, target)))
      .map((right) => `${room} -> ${right}`),
  );
}

/**
 * A ring at any depth: between rooms, between the folders and files of a room, and so on down. Undefined
 * where there is none.
 * @returns for example `['pipeline/run', 'pipeline/selection', 'pipeline/run']`
 */
export function firstRing(imports: Imports): string[] | undefined {
  const parents = new Set([...imports.keys()].flatMap(foldersAbove));
  for (const parent of parents) {
    const ring = ringOf(neighbours(imports, parent));
    if (ring) return ring.map((child) => path.join(parent, child));
  }
  return undefined;
}

function foldersAbove(file: string): string[] {
  const parts = file.split('/').slice(0, -1);
  return ['', ...parts.map((_, index) => parts.slice(0, index + 1).join('/'))];
}

/** What imports what among the direct children of a folder, files and folders alike. */
function neighbours(imports: Imports, parent: string): Map<string, Set<string>> {
  const prefix = parent === '' ? '' : `${parent}/`;
  const childOf = (file: string) =>
    file.startsWith(prefix) ? file.slice(prefix.length).split('/')[0] : undefined;
  const graph = new Map<string, Set<string>>();
  for (const [file, targets] of imports) {
    const from = childOf(file);
    if (from === undefined) continue;
    const reached = graph.get(from) ?? new Set();
    graph.set(from, reached);
    for (const to of targets.map(childOf)) if (to !== undefined && to !== from) reached.add(to);
  }
  return graph;
}

function ringOf(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const finished = new Set<string>();
  const visit = (node: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(node)) return [...trail.slice(trail.indexOf(node)), node];
    if (finished.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const ring = visit(next, [...trail, node]);
      if (ring) return ring;
    }
    finished.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const ring = visit(node, []);
    if (ring) return ring;
  }
  return undefined;
}

const PRODUCT_WORDS = /pancrea|panseg|\bT[12]W\b|\bCT_ABDOMEN\b/i;

/** Lines that say what this product is for. */
export function productWords(text: string): string[] {
  return text.split('\n').filter((line) => PRODUCT_WORDS.test(line));
}
