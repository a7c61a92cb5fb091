import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { pino } from 'pino';
import { composeAccess } from '../../src/compose/access.ts';
import { loadConfig } from '../../src/config.ts';
import { listen, type RunningServer } from '../../src/http/listen.ts';
import { newOwnToken } from '../../src/http/security/local-access.ts';
import type { Role } from '../../src/http/security/principal.ts';
import { addToken } from '../../src/http/security/token-file.ts';
import { createApp } from '../../src/http/server.ts';

export interface GuardedApp extends RunningServer {
  readonly ownToken: string;
  readonly tokensFile: string;
  readonly tokens: Readonly<Record<Role, string>>;
  /** What the routers behind the guards were reached by: method, path, who. */
  readonly reached: string[];
  /** Requests that were refused before anything else was asked. */
  readonly refused: string[];
  /** What was logged as the node's own fault. */
  readonly problems: unknown[];
}

/** The node's HTTP side with a router that answers 200 behind each guard. */
export async function startGuardedApp({
  authentication = true,
  basePath = '',
  hosts = [],
  limits = {},
  auth = {},
  now = () => new Date(),
}: {
  authentication?: boolean;
  basePath?: string;
  hosts?: string[];
  limits?: Readonly<Record<string, number>>;
  auth?: Readonly<Record<string, unknown>>;
  now?: () => Date;
} = {}): Promise<GuardedApp> {
  const folder = await mkdtemp(path.join(tmpdir(), 'guarded-'));
  const tokensFile = path.join(folder, 'tokens.json');
  const add = (name: string, role: Role) => addToken(tokensFile, { name, role, expires: null, now: now() });
  const tokens = {
    viewer: await add('eve', 'viewer'),
    reviewer: await add('rita', 'reviewer'),
    operator: await add('otto', 'operator'),
    sender: await add('scanner', 'sender'),
  };
  const config = loadConfig({
    environment: {},
    overrides: {
      http: { basePath, hosts, limits },
      ...(authentication ? { auth: { tokensFile, ...auth } } : {}),
    },
  });
  const ownToken = newOwnToken();
  const reached: string[] = [];
  const refused: string[] = [];
  const problems: unknown[] = [];
  const answering = (name: string) =>
    express.Router().use((request, response) => {
      reached.push(`${name} ${request.method} ${request.path} ${response.locals.principal?.name}`);
      const answer = () => void response.json({ name });
      if (request.readableEnded) answer();
      else request.resume().once('end', answer);
    });
  const app = createApp({
    health: express.Router().get('/healthz', (_request, response) => void response.json({})),
    api: answering('api'),
    pages: express.Router().get('/', answering('pages')),
    archive: answering('archive'),
    notify: answering('notify'),
    metrics: answering('metrics'),
    auditLog: answering('audit log'),
    assets: answering('assets'),
    access: await composeAccess(config, {
      ownToken,
      logger: pino({ level: 'silent' }),
      now,
      onSession: () => {},
    }),
    auditRefused: (request) => void refused.push(`${request.method} ${request.path}`),
    basePath: config.http.basePath,
    hosts: config.http.hosts,
    limits: {
      ...config.http.limits,
      urlBytes: 8_192,
      bodyBytes: 1_000,
      bodyMs: 1000 * config.http.limits.bodySeconds,
    },
    onError: (error) => problems.push(error),
  });
  const server = await listen(app, '127.0.0.1', 0);
  return { ...server, url: server.url + basePath, ownToken, tokensFile, tokens, reached, refused, problems };
}
