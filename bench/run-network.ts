/** One forward pass of a network, for its memory: run-network.ts FILE Z Y X. */
import { availableParallelism } from 'node:os';
import { elements, type Shape3 } from '../src/segmentation/array3.ts';
import { openNetwork } from '../src/segmentation/inference/network.ts';

const [, , file = '', ...lengths] = process.argv;
const [z = 0, y = 0, x = 0] = lengths.map(Number);
const patchSize: Shape3 = [z, y, x];
const network = await openNetwork(file, patchSize, availableParallelism());
await network.predict(new Float32Array(elements(patchSize)));
await network.release();
