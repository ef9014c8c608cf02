// Every kind of vector file there is. A new one is a row here.
import { amqpVectors } from "./amqp/amqp.ts";
import { dockerCreateVectors } from "./docker-create.ts";
import { filterVectors } from "./filters.ts";
import { specVectors } from "./specs.ts";
import type { VectorFamily } from "./vector.ts";

/** In this order: the inputs beside spec vectors may look like anything. */
export const FAMILIES: readonly VectorFamily[] = [specVectors, dockerCreateVectors, filterVectors, amqpVectors];
