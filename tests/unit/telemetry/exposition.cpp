#include <iostream>

#include "busy_metrics.hpp"

int main() { std::cout << amdahl::telemetry::busy_exposition(); }
