import { leasedDoor, ownDoor } from "../sim/door-benches.ts";
import { doorContract } from "./door-contract.ts";

doorContract("a door of this process", ownDoor);
doorContract("a door behind the lease socket", leasedDoor);
