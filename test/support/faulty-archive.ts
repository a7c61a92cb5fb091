import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requiredText, text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { deadStudies } from '../../src/queue/dead-studies.ts';
import type { StudyListing } from '../../src/store/records/find-studies.ts';
import {
  type Fault,
  type FaultProxy,
  type FaultProxyOptions,
  type Operation,
  type ProxiedRequest,
  startFaultProxy,
} from './fault-proxy.ts';
import { type OrthancServer, startOrthanc } from './orthanc.ts';
import { writeSmallModels } from './small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from './small-series.ts';
import { startTestNode, type TestNode } from './test-node.ts';

/** What happens to the requests for one study. */
export interface Trouble {
  readonly operation: Operation;
  readonly fault: Fault;
  /** Requests of the operation that it happens to, one after the other; all others pass. */
  readonly times: number;
}

/** How the work on a study ended, and what is in the archive then. */
export interface StudyEnd {
  readonly studyInstanceUid: string;
  readonly details: StudyListing | undefined;
  /** Code and reason where the study is among those given up. */
  readonly dead: { readonly code: string; readonly reason: string } | undefined;
  /** Instances by modality. */
  readonly stored: Readonly<Record<string, number>>;
  /** How many requests the trouble happened to. */
  readonly met: number;
}

export interface FaultyArchive {
  readonly proxy: FaultProxy;
  readonly node: TestNode;
  /** The archive itself, past the proxy. */
  readonly direct: DicomWebClient;
  /** What happens to requests that are for no study in trouble. */
  plan: (request: ProxiedRequest) => Fault | undefined;
  /** Stores a new small study in the archive, without trouble. */
  newStudy(): Promise<string>;
  /** The ends of new studies, each with its troubles, that are processed at the same time. */
  ends(troubles: readonly (readonly Trouble[])[]): Promise<StudyEnd[]>;
  /** The end of a study that is in the archive, asked for now. */
  end(studyInstanceUid: string): Promise<StudyEnd>;
  stop(): Promise<void>;
}

/** Longer than any answer of the archive here, shorter than anybody wants to wait for a test. */
const TIMEOUT_SECONDS = 2;
/** Node and archive work on so many studies at a time; most of the time they wait for each other. */
const CONCURRENCY = 6;

/** A node on Orthanc with a proxy between them that makes trouble. */
export async function startFaultyArchive(
  queue: Readonly<Record<string, unknown>> = {},
  options: FaultProxyOptions = {},
): Promise<FaultyArchive> {
  const folder = await mkdtemp(path.join(tmpdir(), 'faulty-archive-'));
  const orthanc: OrthancServer = await startOrthanc();
  const direct = new DicomWebClient({ url: orthanc.url });
  const troubles = new Map<string, { trouble: Trouble; met: number }[]>();
  let number = 0;

  const proxy = await startFaultProxy(
    orthanc.url,
    (request) => {
      const own = troubles
        .get(request.study ?? '')
        ?.find(({ trouble, met }) => trouble.operation === request.operation && met < trouble.times);
      if (!own) return archive.plan(request);
      own.met += 1;
      return own.trouble.fault;
    },
    options,
  );
  const node = await startTestNode(proxy.url, {
    archive: { kind: 'dicomweb', url: proxy.url, timeoutSeconds: TIMEOUT_SECONDS },
    models: await writeSmallModels(folder),
    inference: { threads: 1 },
    selection: { rules: null, siteRules: SMALL_SERIES_RULES },
    queue: {
      concurrency: CONCURRENCY,
      retries: 4,
      retryDelaySeconds: 1,
      retryDelayMaxSeconds: 1,
      ...queue,
    },
    log: { level: 'silent' },
  });

  const endOf = async (studyInstanceUid: string): Promise<StudyEnd> => {
    const ended = node.node().studyEnded(studyInstanceUid);
    const asked = await fetch(`${node.node().url}/api/studies/${studyInstanceUid}/process`, {
      method: 'POST',
    });
    if (!asked.ok) throw new Error(`the node answered ${asked.status}: ${await asked.text()}`);
    await ended;
    const dead = (await deadStudies(node.node().database, { limit: 1000, offset: 0 })).find(
      (one) => one.studyInstanceUid === studyInstanceUid,
    );
    const stored: Record<string, number> = {};
    for (const series of await direct.searchSeries(studyInstanceUid)) {
      const modality = text(series, 'Modality') ?? '';
      const uid = requiredText(series, 'SeriesInstanceUID', 'series');
      const { size } = await direct.storedInstances(studyInstanceUid, uid);
      stored[modality] = (stored[modality] ?? 0) + size;
    }
    const met = (troubles.get(studyInstanceUid) ?? []).reduce((sum, trouble) => sum + trouble.met, 0);
    const details = await node.node().studyDetails(studyInstanceUid);
    return { studyInstanceUid, details, dead, stored, met };
  };

  const archive: FaultyArchive = {
    proxy,
    node,
    direct,
    plan: () => undefined,
    newStudy: async () => {
      number += 1;
      const study = `2.25.88${String(number).padStart(4, '0')}`;
      await direct.storeVerified(study, smallCtSeries(study));
      return study;
    },
    ends: async (each) => {
      const studies: string[] = [];
      for (const own of each) {
        const study = await archive.newStudy();
        troubles.set(
          study,
          own.map((trouble) => ({ trouble, met: 0 })),
        );
        studies.push(study);
      }
      return Promise.all(studies.map(endOf));
    },
    end: endOf,
    stop: async () => {
      await node.stop();
      await proxy.stop();
      await orthanc.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return archive;
}
