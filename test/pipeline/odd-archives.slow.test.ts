import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { messageOf } from '../../src/coded-error.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import {
  type OddArchive,
  type Switchboard,
  startOddArchive,
  startSwitchboard,
} from '../support/odd-archive.ts';
import { describeWith } from '../support/requires.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES } from '../support/small-series.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';

/** Modes of odd-archive.py, or several at once, with which studies are done. */
const DONE = [
  '204',
  'nulls',
  'lower',
  'keywords',
  'bom',
  'gzip',
  'slash',
  'azure',
  'unkinc',
  'maxpage',
  'nocounts',
  'nooffset',
  'strcount',
  'wrongcount',
  'bulkuri',
  'inline',
  'noseries',
  'noseries,404',
  'single',
  'dropone',
  'dupone',
  'lf',
  'ts',
  'noeol',
  'unq',
  'stowempty',
  'stow204',
  'stowxml',
  'stowhtml',
  'stownull',
  'stowitemnull',
  'stowstr',
  'stow201',
  'azure,unkinc,nocounts,noseries,single,gzip,bom,lf,stowempty,204,maxpage,unq,ts',
  'nulls,lower,nooffset,bulkuri,slash,dropone,stowxml',
];

/** Modes with which nothing can be had in any way, and what is said of it. */
const REFUSED: readonly (readonly [modes: string, code: string, words: RegExp])[] = [
  ['zip', 'DICOM_WEB_ANSWER', /application\/zip/],
  ['noclose', 'DICOM_WEB_ANSWER', /closing delimiter/],
  ['stowlose', 'DICOM_STORE_INCOMPLETE', /not in the archive after storing/],
];

describeWith(['python3', 'shared'], 'an odd archive', () => {
  let folder: string;
  let switchboard: Switchboard;
  let node: TestNode;
  let archive: OddArchive | undefined;
  let number = 0;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'odd-archives-'));
    switchboard = await startSwitchboard();
    const odd = await startOddArchive('none', '1.2.99', folder);
    switchboard.connectTo(odd.port);
    node = await startTestNode(switchboard.url, {
      models: await writeSmallModels(folder),
      inference: { threads: 1 },
      selection: { rules: null, siteRules: SMALL_SERIES_RULES },
    });
    await odd.stop();
  });
  afterAll(async () => {
    await archive?.stop();
    await node?.stop();
    await switchboard?.stop();
    await rm(folder, { recursive: true });
  });

  /** How a new study ends, found by polling. */
  async function endWith(modes: string) {
    await archive?.stop();
    number += 1;
    archive = await startOddArchive(modes, `1.2.40.${number}`, folder);
    switchboard.connectTo(archive.port);
    const { study } = archive;
    const running = node.node();
    const ended = running.studyEnded(study);
    for (let polls = 0; polls < 2; polls += 1) {
      const summary = await running.watcher.poll().catch((error: unknown) => {
        throw new Error(`${modes}: ${messageOf(error)}\n${archive?.requests.join('\n')}`);
      });
      expect(
        summary.errors.map(({ error }) => messageOf(error)),
        modes,
      ).toEqual([]);
      if (summary.queued.includes(study)) break;
    }
    await ended;
    const end = (await running.studyDetails(study))?.study;
    return { study, end, said: `${modes}: ${end?.state} ${end?.reason}\n${archive.requests.join('\n')}` };
  }

  it.for(DONE)('%s: the study is done, and its results are there', async (modes) => {
    const { study, end, said } = await endWith(modes);
    expect(end?.state, said).toBe('done');
    const direct = new DicomWebClient({ url: switchboard.url });
    expect((await direct.searchSeries(study)).length, said).toBeGreaterThanOrEqual(3);
  });

  it.for(REFUSED)('%s: the study has failed with %s', async ([modes, code, words]) => {
    const { end, said } = await endWith(modes);
    expect(end, said).toMatchObject({ state: 'failed', errorCode: code });
    expect(end?.reason).toMatch(words);
  });
});
