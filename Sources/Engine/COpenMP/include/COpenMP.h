/// How the threads wait that libtorch computes on: said before its OpenMP library, libgomp, reads it.
///
/// Nothing is called here. What the target has runs by itself when a program starts that it is linked into.
#pragma once
