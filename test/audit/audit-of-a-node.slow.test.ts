import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { auditFiles } from '../../src/audit/days.ts';
import { verifyAuditLog } from '../../src/audit/verify.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { addToken } from '../../src/http/security/token-file.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { findPatientData } from '../support/patient-data.ts';
import { describeWith, programPath } from '../support/requires.ts';
import { runCli } from '../support/run-cli.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';

const SCHEMA = path.join(import.meta.dirname, '../support/audit-message.rng');
const GOOD = '2.25.660.1';
const GAP = '2.25.660.2';
const SENT = '2.25.660.3';

describeWith(['xmllint'], 'the audit log of a node', () => {
  let folder: string;
  let archive: RunningArchive;
  let testNode: TestNode;
  const tokens: Record<string, string> = {};

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'audit-'));
    const tokensFile = path.join(folder, 'tokens.json');
    for (const role of ['viewer', 'operator'] as const) {
      tokens[role] = await addToken(tokensFile, { name: `<${role}>`, role, expires: null, now: new Date() });
    }
    archive = await startEmbeddedArchive();
    testNode = await startTestNode(archive.url, {
      models: await writeSmallModels(path.join(folder, 'models')),
      selection: { rules: null, siteRules: SMALL_SERIES_RULES },
      audit: { folder: path.join(folder, 'audit'), enterpriseSiteId: 'site & son' },
      auth: { tokensFile },
    });
  });
  afterAll(async () => {
    await testNode?.stop();
    await archive?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const messages = async (): Promise<string[]> => {
    const audit = path.join(folder, 'audit');
    const texts = await Promise.all(
      (await auditFiles(audit)).map((name) => readFile(path.join(audit, name), 'utf8')),
    );
    return texts
      .join('')
      .trim()
      .split('\n')
      .map((line) => line.slice(line.indexOf('<')));
  };

  it('holds a valid DICOM audit message for all that somebody saw or did, and no name', async () => {
    const node = testNode.node();
    const client = new DicomWebClient({ url: archive.url });
    await client.storeVerified(GOOD, smallCtSeries(GOOD));
    await client.storeVerified(GAP, smallCtSeries(GAP).toSpliced(5, 1));
    const ended = Promise.all([GOOD, GAP].map((study) => node.studyEnded(study)));
    await node.watcher.poll();
    await node.watcher.poll();
    await ended;
    const ask = async (role: string, address: string, method = 'GET'): Promise<number> => {
      const headers = { Authorization: `Bearer ${tokens[role] ?? role}` };
      const answer = await fetch(node.url + address, { method, headers, redirect: 'manual' });
      await answer.arrayBuffer();
      return answer.status;
    };
    expect(await ask('viewer', `/api/studies/${GOOD}`)).toBe(200);
    expect(await ask('viewer', '/api/studies?limit=3&sort="<>')).toBeLessThan(500);
    expect(await ask('viewer', `/api/studies/${GOOD}/process`, 'POST')).toBe(403);
    expect(await ask('nobody', '/')).toBe(401);
    const login = { method: 'POST', body: new URLSearchParams({ token: tokens['operator'] ?? '' }) };
    await fetch(`${node.url}/login`, { ...login, redirect: 'manual' });
    const sender = new DicomWebClient({
      url: `${node.url}/dicom-web`,
      headers: { Authorization: `Bearer ${tokens['operator']}` },
    });
    await sender.store(SENT, smallCtSeries(SENT));
    await expect.poll(messages).toContainEqual(expect.stringMatching(/UserID="stow".*2\.25\.660\.3/));
    await testNode.restart();
    // Written by a thread, after the node says that it runs.
    const starts = async () => (await messages()).filter((message) => message.includes('Application Start'));
    await expect.poll(starts).toHaveLength(2);

    const all = await messages();
    const file = path.join(folder, 'message.xml');
    for (const message of all) {
      await writeFile(file, message);
      await promisify(execFile)(programPath('xmllint'), ['--noout', '--relaxng', SCHEMA, file]);
    }
    const having = (...words: string[]): number =>
      all.filter((message) => words.every((word) => message.includes(word))).length;
    expect(having('"110120"', 'Application Start')).toBe(2);
    expect(having('"110121"', 'Application Stop')).toBe(1);
    expect(having('DICOM Instances Transferred', `"${GOOD}"`, 'EventActionCode="C"', 'Patient Number')).toBe(
      1,
    );
    expect(
      having('DICOM Instances Transferred', `"${GAP}"`, 'EventOutcomeIndicator="8"', 'DICOM_GEOMETRY'),
    ).toBe(1);
    expect(having('DICOM Instances Accessed', `"${GOOD}"`, 'UserID="&lt;viewer&gt;"')).toBe(1);
    expect(having('"Query"', 'UserID="&lt;viewer&gt;"')).toBe(1);
    expect(having('Use of Restricted Function', 'EventOutcomeIndicator="4"', '&lt;viewer&gt;')).toBe(1);
    expect(having('User Authentication', 'EventOutcomeIndicator="4"', 'UserID="unknown"')).toBe(1);
    expect(having('User Authentication', 'EventOutcomeIndicator="0"', '&lt;operator&gt;')).toBe(1);
    expect(findPatientData(all.join('\n'))).toBeUndefined();
  });

  it('is verified by a command that names what was changed', async () => {
    const audit = path.join(folder, 'audit');
    // What was sent is still being worked on, and would go on writing.
    await testNode.node().stop();
    const site = path.join(folder, 'site.yaml');
    await writeFile(site, `audit: { folder: '${audit}' }`);
    const whole = await runCli('audit', 'verify', '--config', site);
    expect([whole.code, whole.stdout]).toEqual([0, expect.stringContaining('whole: nothing was changed')]);
    const { last } = await verifyAuditLog(audit);
    expect(whole.stdout).toContain(last?.hash);

    const [first = ''] = await auditFiles(audit);
    const text = await readFile(path.join(audit, first), 'utf8');
    await writeFile(path.join(audit, first), text.replace('UserID="&lt;viewer&gt;"', 'UserID="somebody"'));
    const changed = await runCli('audit', 'verify', '--config', site);
    expect([changed.code, changed.stderr]).toEqual([
      1,
      expect.stringMatching(/the line before it was changed/),
    ]);
  });
});
