import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PATH_KEYS } from '../../src/config/schema.ts';
import { ConfigError, configJsonSchema, loadConfig, masked } from '../../src/config.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'config-'));
const written = (name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};
function* leaves(tree: object, above = ''): Generator<string> {
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      yield* leaves(value, `${above}${key}.`);
    else yield above + key;
  }
}
const load = (yaml: string, environment: Record<string, string> = {}) =>
  loadConfig({ file: written('site.yaml', yaml), environment });

describe('the configuration', () => {
  it('needs no site file: the defaults are complete', () => {
    expect(loadConfig({ environment: {} }).archive.kind).toBe('embedded');
  });

  it('takes the environment before the site file before the defaults', () => {
    const { watch } = load('watch: { lookBack: 30, pageSize: 7 }', { PANSEGNET_WATCH_LOOKBACK: 'all' });
    expect(watch).toMatchObject({ lookBack: 'all', pageSize: 7, stableForSeconds: 60 });
  });

  it('reads a number from the environment as a number', () => {
    expect(load('', { PANSEGNET_HTTP_PORT: '9000' }).http.port).toBe(9000);
  });

  it('refuses what is meant for a node behind a proxy where nobody has to say who they are', () => {
    const settings = ['basePath: /ai', 'hosts: [ai.example]', 'trustedProxies: [loopback]'];
    for (const setting of settings) {
      expect(() => load(`http: { ${setting} }`)).toThrow(/http: .*behind a proxy.*auth\.tokensFile/);
      const guarded = `http: { ${setting} }\nauth: { tokensFile: tokens.json }`;
      expect(load(guarded).auth.tokensFile).toBe('tokens.json');
    }
  });

  it('relative paths start at the data folder, where there is one, and absolute ones stay', () => {
    writeFileSync(path.join(folder, 'key.txt'), 'a key of 16 letters\n');
    const yaml = `dataFolder: ${folder}
models: { folder: /srv/models }
auth: { tokensFile: tokens.json }
log: { key: 'file:key.txt' }`;
    const config = load(yaml);
    expect(config.database.folder).toBe(path.join(folder, 'data/database'));
    expect(config.auth.tokensFile).toBe(path.join(folder, 'tokens.json'));
    expect(config.models.folder).toBe('/srv/models');
    expect(config.log.key).toBe('a key of 16 letters');
    expect(load('').database.folder).toBe('data/database');
    expect(() => load('dataFolder: data')).toThrow(/dataFolder: must be an absolute path/);
  });

  it('no key that names a file or a folder is left out of that', () => {
    const named = [...leaves(loadConfig({ environment: {} }))].filter((key) =>
      /(folder|file|certificate|clientkey|tls\.key|\.ca|clientca|\.rules)$/i.test(key),
    );
    const known: readonly string[] = PATH_KEYS;
    expect(named.filter((key) => !known.includes(key))).toEqual(['dataFolder', 'routing.rules']);
    expect(known.filter((key) => !named.includes(key))).toEqual([]);
  });

  it('refuses unknown keys and wrong types, each with its path', () => {
    expect(() => load('watch: { lookback: 3 }\nhttp: { port: high }')).toThrow(ConfigError);
    expect(() => load('watch: { lookback: 3 }\nhttp: { port: high }')).toThrow(
      /watch\.lookback: unknown key[^]*http\.port|http\.port[^]*watch\.lookback: unknown key/,
    );
  });

  it('refuses an environment variable that names no key', () => {
    expect(() => load('', { PANSEGNET_WATCH_LOOKBAK: '3' })).toThrow(/PANSEGNET_WATCH_LOOKBAK/);
  });

  it('names the file that cannot be read', () => {
    expect(() => loadConfig({ file: '/nowhere/site.yaml', environment: {} })).toThrow('/nowhere/site.yaml');
    expect(() => load('archive: [')).toThrow(/site\.yaml/);
  });

  it('wants an address where the archive is a DICOMweb server', () => {
    expect(() => load('archive: { kind: dicomweb }')).toThrow(/archive\.url: is needed/);
  });

  it('listens on loopback only, as long as there is no authentication', () => {
    expect(() => load('http: { host: 0.0.0.0 }')).toThrow(/http\.host: .*loopback/);
    expect(load('{ http: { host: 0.0.0.0 }, auth: { tokensFile: t.json } }').http.host).toBe('0.0.0.0');
    const oidc = "{ issuer: 'https://login.example', audience: node }";
    expect(load(`{ http: { host: '::' }, auth: { oidc: ${oidc} } }`).http.host).toBe('::');
    expect(() => load("auth: { oidc: { issuer: 'https://login.example' } }")).toThrow(/auth\.oidc\.audience/);
  });

  it('reads secrets from files, and never prints them', () => {
    const config = load(
      `archive: { user: node, password: 'file:${written('secret', 'open sesame\n')}', token: abc }`,
    );
    expect(config.archive.password).toBe('open sesame');
    expect(JSON.stringify(masked(config))).not.toMatch(/sesame|abc/);
    const address = load('archive: { kind: dicomweb, url: "https://ann:hunter2@pacs.example/dicom-web" }');
    expect(JSON.stringify(masked(address))).toMatch(/https:\/\/ann:\*+@pacs\.example/);
  });

  it('blames the environment for what the environment says, and the file for the rest', () => {
    const wrong = () => load('watch: { pageSize: 0 }', { PANSEGNET_HTTP_PORT: 'none' });
    expect(wrong).toThrow(/http\.port: .* \(from the environment variable PANSEGNET_HTTP_PORT\)/);
    expect(wrong).toThrow(/watch\.pageSize: [^(]*$/m);
  });

  it('takes no notice of the variables that Kubernetes gives for a service of its name', () => {
    const { http } = loadConfig({
      environment: {
        PANSEGNET_PORT: 'tcp://10.0.0.7:80',
        PANSEGNET_PORT_80_TCP: 'tcp://10.0.0.7:80',
        PANSEGNET_PORT_80_TCP_ADDR: '10.0.0.7',
        PANSEGNET_SERVICE_HOST: '10.0.0.7',
        PANSEGNET_SERVICE_PORT_HTTP: '80',
        PANSEGNET_HTTP_PORT: 'tcp://10.0.0.8:80',
        PANSEGNET_HTTP_SERVICE_HOST: '10.0.0.8',
      },
    });
    expect(http.port).toBe(loadConfig({ environment: {} }).http.port);
    expect(() => loadConfig({ environment: { PANSEGNET_PROT: '80' } })).toThrow(/PANSEGNET_PROT/);
  });

  it('refuses the address of an archive where the embedded one would be used', () => {
    expect(() => load('archive: { url: "http://pacs.example/dicom-web" }')).toThrow(
      /archive\.kind: is embedded/,
    );
  });

  it('describes every key to editors in the words of the defaults', () => {
    const described = (schema: unknown, above = ''): string[] => {
      const { properties = {} } = schema as { properties?: Record<string, { description?: string }> };
      return Object.entries(properties).flatMap(([key, own]) => [
        ...(own.description || above === '' ? [] : [above + key]),
        ...described(own, `${above}${key}.`),
      ]);
    };
    const schema = configJsonSchema();
    expect(JSON.stringify(schema)).toContain('Threads of the network. 0: one per core.');
    expect(described(schema)).toEqual([]);
  });

  it('has a JSON Schema for editors that is up to date', () => {
    const file = path.resolve(import.meta.dirname, '../../config/schema.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(configJsonSchema());
  });
});
