"""The chart installed on a real node, and what is done to it under load.

release       installs, upgrades, rolls back, uninstalls
versions      the previous release, and charts that mix its CRD with this release
operands      Nginx that serve meanwhile, and what became of them
authorities   the certificate authorities of a release
disturbances  what happens to admission: restarts, kills, rotations
changes       what happens to a release: upgrades, rollbacks
loaded        runs one of them under load
figures       the tables of a campaign
"""
