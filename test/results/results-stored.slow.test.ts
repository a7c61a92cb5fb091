import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInstance, requiredText } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { describeArchives } from '../support/archives.ts';
import { collect } from '../support/collect.ts';
import {
  type Fault,
  type FaultProxy,
  firstRequests,
  type ProxiedRequest,
  startFaultProxy,
} from '../support/fault-proxy.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { isWhole } from '../support/whole.ts';

const FORMS = ['binary', 'fractional', 'labelmap'];
/** SEG in three forms, report, PDF. */
const RESULTS = FORMS.length + 1 + 1;

const sopOf = (bytes: Uint8Array): string =>
  requiredText(readInstance(bytes, 'instance').dataset, 'SOPInstanceUID', 'instance');

describeArchives(
  'results in an archive that does not keep what it is sent',
  (archive) => {
    let direct: DicomWebClient;
    let proxy: FaultProxy;
    let runs: SmallRuns;
    let plan: (request: ProxiedRequest) => Fault | undefined;
    let number = 0;

    beforeAll(async () => {
      direct = new DicomWebClient({ url: archive.url });
      proxy = await startFaultProxy(archive.url, (request) => plan(request));
      runs = await startSmallRuns(proxy.url, { segmentation: FORMS, pdf: true });
    });
    afterAll(async () => {
      await runs?.stop();
      await proxy?.stop();
    });

    /** Processes a new study while the archive does what `wanted` says. */
    async function processed(wanted: typeof plan) {
      number += 1;
      const study = `2.25.760${number}`;
      const images = smallCtSeries(study);
      await direct.storeVerified(study, images);
      plan = wanted;
      const before = proxy.log.length;
      const failure = await runs
        .process(study, { seriesInstanceUid: `${study}.1`, class: 'CT_ABDOMEN' })
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      const series = await direct.searchSeries(study);
      const uids = series.map((one) => requiredText(one, 'SeriesInstanceUID', 'series'));
      const lists = await Promise.all(uids.map((uid) => direct.storedInstances(study, uid)));
      return {
        study,
        images,
        failure,
        /** What each STOW-RS request brought. */
        sent: proxy.log.slice(before).flatMap((one) => (one.operation === 'store' ? [one.sent] : [])),
        stored: lists.flatMap((list) => [...list]),
      };
    }
    const isStore = ({ operation }: ProxiedRequest): boolean => operation === 'store';
    const isFetchBack = ({ operation }: ProxiedRequest): boolean => operation === 'retrieveInstance';

    it.each(['storedSome202', 'storedSome409', 'storedSome400', 'storedSomeSilently'] as const)(
      'are sent again as far as they are missing: %s',
      async (fault) => {
        const { images, failure, sent, stored } = await processed(firstRequests(fault, isStore));
        expect(failure).toBeUndefined();
        const [first = [], ...again] = sent;
        expect(first).toHaveLength(RESULTS);
        expect(again).toEqual([first.slice(-1)]);
        expect(stored.toSorted()).toEqual([...images.map(sopOf), ...first].toSorted());
      },
    );

    it('are not done where one of them never stays, and the reason names it', async () => {
      const { failure, sent } = await processed((request) =>
        isStore(request) ? 'storedSome409' : undefined,
      );
      expect(failure).toMatchObject({
        code: 'DICOM_STORE_INCOMPLETE',
        message: expect.stringContaining(`${sent[0]?.at(-1)}: processing failure (0x0110)`),
      });
    });

    it('are not done where the SEG comes back with another voxel, and it was sent once more', async () => {
      const { failure, sent } = await processed((request) =>
        isFetchBack(request) ? 'corrupted' : undefined,
      );
      const [first = [], ...again] = sent;
      expect(again).toEqual([first.slice(0, 1)]);
      expect(failure).toMatchObject({
        code: 'DICOM_STORE_INCOMPLETE',
        message: `SEG ${first[0]}: what the archive gives back differs from the mask that was stored`,
      });
    });

    it('leave the source images as they were, byte for byte', async () => {
      const { study, images, failure, sent } = await processed(() => undefined);
      expect(failure).toBeUndefined();
      const before = new Map(images.map((bytes) => [sopOf(bytes), Buffer.from(bytes)]));
      const after = await collect(direct.retrieveSeries(study, `${study}.1`));
      expect(after).toHaveLength(images.length);
      for (const bytes of after) expect(before.get(sopOf(bytes))?.equals(bytes)).toBe(true);
      expect(sent.flat().filter((uid) => before.has(uid))).toEqual([]);
    });
  },
  { embedded: isWhole },
);
