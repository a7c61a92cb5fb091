import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { GROUPS, loadCommands } from '../../src/commands/all.ts';
import { commandLine, runCommandLine } from '../../src/commands/command-line/program.ts';
import { defineCommand, pathName } from '../../src/commands/definition/command.ts';
import { argument, fieldsOf, flag, option, requiredText } from '../../src/commands/definition/field.ts';

const COMMANDS = await loadCommands();

const FOLDER = path.resolve(import.meta.dirname, '../../src/commands');
const LIST = 'all.ts';

describe('the list of commands', () => {
  it('holds what each file of commands exports: one command, of the name of the file', async () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.ts') && file !== LIST);
    const exported = new Map<string, unknown[]>();
    for (const file of files) {
      const module: Record<string, unknown> = await import(path.join(FOLDER, file));
      exported.set(file, Object.values(module));
    }
    const listed = COMMANDS.map((command) => [`${pathName(command)}.ts`, [command]] as const);
    expect(exported).toEqual(new Map(listed));
    expect(exported.size).toBe(COMMANDS.length);
  });

  it('says what each command, each of its fields and each group is for', () => {
    const fields = COMMANDS.flatMap(({ name, options }) =>
      fieldsOf(options).map(({ syntax, help }) => [`${name} ${syntax}`, help]),
    );
    const helps = [...COMMANDS.map(({ name, help }) => [name, help]), ...fields, ...Object.entries(GROUPS)];
    expect(helps.filter(([, help]) => help === '')).toEqual([]);
    const names = COMMANDS.map(({ name }) => name);
    const groups = names.filter((name) => name.includes(' ')).map((name) => name.split(' ')[0] ?? '');
    const described = [...Object.keys(GROUPS), ...names];
    expect(groups.filter((group) => !described.includes(group))).toEqual([]);
    expect(Object.keys(GROUPS).filter((group) => !groups.includes(group))).toEqual([]);
  });

  it('refuses what a command does not know, wherever it is done', () => {
    const hostile = [undefined, null, [], 'all', 1, { unknown: 1 }, JSON.parse('{"__proto__":{"all":true}}')];
    for (const { name, prepare } of COMMANDS) {
      for (const options of hostile) expect(() => prepare(options), name).toThrow(z.ZodError);
    }
  });
});

describe('options', () => {
  it.each([
    ['process', { studyInstanceUid: '1.2.3', class: 'T1W' }],
    ['history', { csv: true }],
    ['queue requeue', { all: true }],
    ['results withdraw', { seriesInstanceUid: '1.2', reason: 'safety' }],
    ['opt-out add', { patientId: '4711' }],
    ['demo', { port: '80' }],
  ])('of %s that passed pass again as JSON: a running node checks them anew', (name, given) => {
    const command = COMMANDS.find((one) => one.name === name);
    const once: unknown = command?.prepare(given).options;
    expect(command?.prepare(JSON.parse(JSON.stringify(once))).options).toEqual(once);
  });

  it.each([
    ['process', { studyInstanceUid: '../x' }],
    ['process', { studyInstanceUid: '1.2', class: 'PET' }],
    ['history', { json: true, csv: true }],
    ['queue drop', {}],
    ['queue drop', { studyInstanceUid: '1.2', all: true }],
    ['results withdraw', { reason: 'safety' }],
    ['results withdraw', { seriesInstanceUid: '1.2', reason: 'constructor' }],
    ['opt-out add', { issuer: 'A' }],
    ['opt-out remove', { patientId: ' ' }],
    ['opt-out remove', { patientId: '4711', studyInstanceUid: '1.2' }],
  ])('of %s that make no sense are refused: %j', (name, given) => {
    expect(() => COMMANDS.find((one) => one.name === name)?.prepare(given)).toThrow(z.ZodError);
  });
});

describe('a command that is added', () => {
  const done = vi.fn<(options: object) => void>();
  const greet = defineCommand({
    name: 'models greet',
    help: 'greet a model',
    runs: 'here',
    options: z.strictObject({
      modelName: argument('<name>', 'whom', requiredText),
      times: option('--times <n>', 'how often', z.coerce.number().int().default(1)),
      inCapitals: flag('--loud', 'shout'),
      tone: option('--tone <tone>', 'how', z.enum(['kind', 'stern'])),
    }),
    run: (options) => done(options),
  });
  const list = { commands: [...COMMANDS, greet], groups: GROUPS };
  const ended = async (...words: string[]) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await runCommandLine(list, words);
    return { code: process.exitCode ?? 0, said: written.mock.calls.map(String).join('') };
  };
  afterEach(() => {
    vi.restoreAllMocks();
    done.mockClear();
    process.exitCode = undefined;
  });

  it('is on the command line by its line in the list: syntax, help, and what it does', async () => {
    const models = commandLine(list).commands.find((command) => command.name() === 'models');
    const help = models?.commands.find((command) => command.name() === 'greet')?.helpInformation();
    expect(help).toMatch(
      /models greet \[options\] <name>\n\ngreet a model\n[^]*--times <n> +how often \(default: 1\)[^]*choices: "kind", "stern"[^]*--config/,
    );
    expect(await ended('models', 'greet', 'A', '--loud', '--tone', 'kind')).toEqual({ code: 0, said: '' });
    expect(done).toHaveBeenCalledExactlyOnceWith({
      modelName: 'A',
      times: 1,
      inCapitals: true,
      tone: 'kind',
    });
  });

  it.each([
    [['--tone', 'kind'], "missing required argument 'name'"],
    [['A'], "required option '--tone <tone>' not specified"],
    [['A', '--tone', 'sweet'], "'sweet' is invalid. Allowed choices are kind, stern."],
    [['A', '--tone', 'kind', '--times', 'x'], "option '--times <n>' argument 'x' is invalid."],
    [['A', '--tone', 'kind', '--bogus'], "unknown option '--bogus'"],
  ])('ends with 2 for %j, and says why', async (words, why) => {
    const { code, said } = await ended('models', 'greet', ...words);
    expect(code).toBe(2);
    expect(said).toMatch(/^error: /);
    expect(said).toContain(why);
    expect(done).not.toHaveBeenCalled();
  });
});
